// Command ledger writes numbered records into a file, each of which is on disk before the next is begun, and tells in another file how
// many are. It is what a database does when it commits, and nothing besides; a test ends it at any moment.
//
//	ledger FILE TOLD
//
// When it begins it looks through the file. A record that is cut off at the end was not committed, and is taken away; anything else that
// is not as it was written is an error.
package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
)

// size is that of a record: its number, a checksum of that, and the end of the line.
const size = 10 + 1 + 8 + 1

// record is the text of a number.
func record(n int) []byte {
	number := fmt.Sprintf("%010d", n)
	return fmt.Appendf(nil, "%s %08x\n", number, crc32.ChecksumIEEE([]byte(number)))
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ledger FILE TOLD")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

func run(path, toldPath string) error {
	ledger, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	told, err := os.OpenFile(toldPath, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	committed, err := check(ledger)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for n := committed; ; n++ {
		if _, err := ledger.WriteAt(record(n), int64(n)*size); err != nil {
			return err
		}
		if err := ledger.Sync(); err != nil {
			return err
		}
		if _, err := told.WriteAt(fmt.Appendf(nil, "%s\n", strconv.Itoa(n+1)), 0); err != nil {
			return err
		}
	}
}

// check is how many records there are, of which each has to be as it was written.
func check(ledger *os.File) (committed int, err error) {
	text, err := io.ReadAll(ledger)
	if err != nil {
		return 0, err
	}
	for ; len(text) >= size; text, committed = text[size:], committed+1 {
		if string(text[:size]) != string(record(committed)) {
			return 0, fmt.Errorf("record %d is %q", committed, text[:size])
		}
	}
	if err := errors.Join(ledger.Truncate(int64(committed)*size), ledger.Sync()); err != nil {
		return 0, err
	}
	return committed, nil
}
