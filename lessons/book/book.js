// book.js - the switch between light and dark, and the search. The pages read as well without.
'use strict';

document.documentElement.classList.add('js');

// A browser may refuse to store anything for a page from the disk; then the choice lasts for this page.
function remembered() {
  try { return localStorage.getItem('stepgrad-theme'); } catch (error) { return null; }
}

function remember(theme) {
  try { localStorage.setItem('stepgrad-theme', theme); } catch (error) { /* as said above */ }
}

if (remembered()) document.documentElement.dataset.theme = remembered();

function switchTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  remember(document.documentElement.dataset.theme);
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

document.addEventListener('DOMContentLoaded', () => {
  const field = document.getElementById('search');
  document.getElementById('theme').addEventListener('click', switchTheme);
  field.addEventListener('focus', loadIndex);
  field.addEventListener('input', search);
  field.addEventListener('keydown', searchKey);
  document.addEventListener('click', (event) => {
    if (!event.target.closest('.search') || event.target.closest('#found a')) document.getElementById('found').hidden = true;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !event.target.closest('input, textarea')) {
      field.focus();
      event.preventDefault();
    }
  });
  const current = document.querySelector('.contents [aria-current]');
  if (current) current.scrollIntoView({ block: 'nearest' });
});
