# find_labs.sh - some hand in the folder of the labs, and not the files in it. For class.sh and run_autograder.

# Set `found` to the folder that holds lab files: the one given, or the first of those in it. Links are not followed.
find_labs() { # folder
    found=$1
    for inside in "$1" "$1"/*/; do
        inside=${inside%/}
        for file in "$inside"/lab[0-9]*.c; do
            if [ -f "$file" ] && [ ! -L "$inside" ]; then
                found=$inside
                return
            fi
        done
    done
}
