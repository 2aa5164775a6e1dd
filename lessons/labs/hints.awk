# hints.awk - cut the hints of a lab out of the comments of its reference, a file for each task, a line for each hint.
#
#     awk -v out=handed/out/check/hints -f hints.awk lab3.c      # writes 3.1.txt, 3.2.txt …
#
# A hint begins with "Hint: " and may go on over several lines; the last line of a file is the chapter to read.

/^\/\* Task / { task = $3; text = "" }
task == "" { next }
{
    line = $0
    sub(/^(\/\*| \*)/, "", line)
    sub(/ *\*\/.*/, "", line)
    text = text line
}
/\*\// {
    sub(/ Chapter: /, " Hint: Read lessons/", text)
    count = split(text, hints, " Hint: ")
    for (i = 2; i <= count; i++)
        print hints[i] >(out "/" task ".txt")
    close(out "/" task ".txt")
    task = ""
}
