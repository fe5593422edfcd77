-- Step 1: the script runs, then the program takes its place.

print("this is the script")
