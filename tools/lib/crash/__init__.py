"""What `tools/crash` is made of. Knows nothing of zhongshu's code: it speaks to the program, and reads its files by what the documents say."""
