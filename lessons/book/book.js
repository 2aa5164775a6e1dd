// book.js - light or dark, the search, keys, copying, and which chapters have been read. The pages read as well without.
'use strict';

document.documentElement.classList.add('js');

// A browser may refuse to store anything for a page from the disk; then what is chosen lasts for this page.
function remembered(what) {
  try { return localStorage.getItem('stepgrad-' + what); } catch (error) { return null; }
}

function remember(what, value) {
  try { localStorage.setItem('stepgrad-' + what, value); } catch (error) { /* as said above */ }
}

if (remembered('theme')) document.documentElement.dataset.theme = remembered('theme');

// The players stand in frames, which do not see what was chosen here.
function tellPlayer(frame) {
  const theme = document.documentElement.dataset.theme;
  if (theme) frame.contentWindow.postMessage({ theme: theme }, '*');
}

function switchTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  remember('theme', document.documentElement.dataset.theme);
  document.querySelectorAll('iframe').forEach(tellPlayer);
}

// ---- search ----

const MOST_FOUND = 40;
const AROUND = 60; // characters shown before the first word that was found

let entries = null; // [page, heading, address, text], from search_index.js

// A script, since a page from the disk may not fetch a file of data.
function loadIndex() {
  if (entries || document.getElementById('index')) return;
  const script = document.createElement('script');
  script.id = 'index';
  script.src = 'search_index.js';
  script.onload = () => { entries = window.bookIndex; search(); };
  document.head.append(script);
}

// How well an entry answers: 0 if a word is missing; more for words at the beginning of a word, and in headings.
function score(entry, words) {
  const text = entry[3].toLowerCase();
  const title = (entry[0] + ' ' + entry[1]).toLowerCase();
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0 && !title.includes(word)) return 0;
    if (at >= 0) sum += at === 0 || !/[a-z0-9_]/.test(text[at - 1]) ? 4 : 2;
    if (title.includes(word)) sum += 2;
  }
  return entry[1] === 'The code' ? sum - 1 : entry[1] === 'Declared' ? sum + 1 : sum;
}

// The text around the first word found, with all words marked.
function excerpt(text, words) {
  const first = Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((at) => at >= 0), text.length);
  const from = first === text.length ? 0 : Math.max(0, first - AROUND);
  let rest = (from > 0 ? '… ' : '') + text.slice(from, from + 4 * AROUND) + (text.length > from + 4 * AROUND ? ' …' : '');
  const out = document.createElement('span');
  while (rest) {
    const hits = words.map((word) => [rest.toLowerCase().indexOf(word), word.length]).filter(([at]) => at >= 0);
    if (!hits.length) break;
    const [at, length] = hits.reduce((a, b) => (b[0] < a[0] ? b : a));
    const mark = document.createElement('mark');
    mark.textContent = rest.slice(at, at + length);
    out.append(rest.slice(0, at), mark);
    rest = rest.slice(at + length);
  }
  out.append(rest);
  return out;
}

function show(found, words) {
  const box = document.getElementById('found');
  box.replaceChildren();
  for (const entry of found.slice(0, MOST_FOUND)) {
    const link = document.createElement('a');
    const page = document.createElement('b');
    const heading = document.createElement('small');
    link.href = entry[2];
    page.textContent = entry[0];
    heading.textContent = ' ' + entry[1];
    link.append(page, heading, document.createElement('br'), excerpt(entry[3], words));
    box.append(link);
  }
  const note = document.createElement('p');
  note.textContent = found.length === 0 ? 'Nothing found.'
    : found.length > MOST_FOUND ? 'and ' + (found.length - MOST_FOUND) + ' more' : '';
  if (note.textContent) box.append(note);
  box.hidden = false;
}

function search() {
  const words = document.getElementById('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) {
    document.getElementById('found').hidden = true;
    return;
  }
  if (!entries) {
    loadIndex();
    return;
  }
  const scored = entries.map((entry) => [score(entry, words), entry]).filter(([points]) => points > 0);
  scored.sort((a, b) => b[0] - a[0]); // stable: equal ones stay in the order of the book
  show(scored.map(([, entry]) => entry), words);
}

// Up, down and Enter go through what was found.
function choose(step) {
  const links = [...document.querySelectorAll('#found a')];
  if (!links.length) return;
  const old = links.findIndex((link) => link.classList.contains('chosen'));
  const next = Math.max(0, Math.min(links.length - 1, old + step));
  if (old >= 0) links[old].classList.remove('chosen');
  links[next].classList.add('chosen');
  links[next].scrollIntoView({ block: 'nearest' });
}

function searchKey(event) {
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    choose(event.key === 'ArrowDown' ? 1 : -1);
    event.preventDefault();
  } else if (event.key === 'Enter') {
    const chosen = document.querySelector('#found a.chosen') || document.querySelector('#found a');
    if (chosen) chosen.click();
  } else if (event.key === 'Escape') {
    document.getElementById('found').hidden = true;
    event.target.blur();
  }
}

// ---- keys ----

const TURNS = { ArrowLeft: 'prev', p: 'prev', ArrowRight: 'next', n: 'next' };

// Not while something has the focus that uses these keys itself: a field, or code that they scroll.
function turnPage(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest('input, [tabindex]')) return;
  document.querySelector('.turn [rel=' + TURNS[event.key] + ']')?.click();
}

// ---- copying ----

// Of a session in gdb the commands alone; of code the lines without their numbers, which are no text of the page.
function textOf(box) {
  const commands = [...box.querySelectorAll('.command code')].map((code) => code.textContent.replace(/^(\(gdb\)|\$) /, ''));
  return (commands.length ? commands.join('\n') : box.querySelector('code').textContent) + '\n';
}

// Where the browser keeps its clipboard from pages, a field is copied from instead.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
}

function addCopyButton(box) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await copy(textOf(box));
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  box.append(button);
}

// ---- what has been read ----

const CHAPTER = /\d\d_\w+\.html$/;
const STATES = { opened: '○', read: '✓' };

// { '05_reverse_mode.html': 'read', ... }
function readStates() {
  try { return JSON.parse(remembered('chapters')) || {}; } catch (error) { return {}; }
}

const states = readStates();

// Behind every link to a chapter in the contents.
function showState(link) {
  const state = states[link.getAttribute('href')];
  link.querySelector('.state')?.remove();
  if (!state) return;
  const mark = document.createElement('span');
  mark.className = 'state';
  mark.textContent = STATES[state];
  mark.title = state;
  mark.setAttribute('role', 'img');
  mark.setAttribute('aria-label', state);
  link.querySelector('.question, span:last-child').append(mark);
}

function setState(chapter, state) {
  states[chapter] = state;
  remember('chapters', JSON.stringify(states));
  document.querySelectorAll('.contents a[href="' + chapter + '"], .list a[href="' + chapter + '"]').forEach(showState);
}

// A box to tick; text is what stands beside it, or what only a screen reader says.
function makeTick(chapter, text, isHidden) {
  const label = document.createElement('label');
  const box = document.createElement('input');
  const words = document.createElement('span');
  label.className = 'done';
  box.type = 'checkbox';
  box.checked = states[chapter] === 'read';
  box.addEventListener('change', () => setState(chapter, box.checked ? 'read' : 'opened'));
  words.textContent = text;
  if (isHidden) words.className = 'hidden';
  label.append(box, words);
  return label;
}

function showProgress() {
  const here = (location.pathname.match(CHAPTER) || [])[0];
  if (here && !states[here]) setState(here, 'opened');
  document.querySelectorAll('.contents a, .list a').forEach(showState);
  if (here) document.querySelector('.turn').before(makeTick(here, 'I have read this chapter'));
  for (const link of document.querySelectorAll('.list a')) {
    const chapter = link.getAttribute('href');
    if (CHAPTER.test(chapter)) link.before(makeTick(chapter, 'I have read chapter ' + Number(chapter.slice(0, 2)), true));
  }
}

document.addEventListener('DOMContentLoaded', () => {
  const field = document.getElementById('search');
  document.getElementById('theme').addEventListener('click', switchTheme);
  document.querySelectorAll('iframe').forEach((frame) => frame.addEventListener('load', () => tellPlayer(frame)));
  field.addEventListener('focus', loadIndex);
  field.addEventListener('input', search);
  field.addEventListener('keydown', searchKey);
  document.addEventListener('click', (event) => {
    if (!event.target.closest('.search') || event.target.closest('#found a')) document.getElementById('found').hidden = true;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key in TURNS) turnPage(event);
    if (event.key === '/' && !event.target.closest('input, textarea')) {
      field.focus();
      event.preventDefault();
    }
  });
  document.querySelectorAll('.commands, div.sourceCode').forEach(addCopyButton);
  showProgress();
  const current = document.querySelector('.contents [aria-current]');
  if (current) current.scrollIntoView({ block: 'nearest' });
});
