package memory

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestTheProgramIsGivenBackAndStillRuns(t *testing.T) {
	before := residentFiles(t)
	if err := returnProgram(); err != nil {
		t.Fatal(err)
	}
	if after := residentFiles(t); after >= before {
		t.Errorf("%d kB of files are resident, as before", after)
	}
}

func TestParseMapping(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want mapping
		fail bool
	}{
		"reads that of a file":            {line: "00400000-04773000 r-xp 00000000 00:1f 4711    /my bin/orrery", want: mapping{0x400000, 0x4773000, false, "/my bin/orrery"}},
		"reads that of no file":           {line: "c000000000-c000400000 rw-p 00000000 00:00 0", want: mapping{0xc000000000, 0xc000400000, true, ""}},
		"refuses a line of another form":  {line: "00400000", fail: true},
		"refuses addresses that are none": {line: "x-y r-xp 00000000 00:1f 4711", fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMapping(c.line)
			if (err != nil) != c.fail || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

// residentFiles is how much of files is in this process's memory, in kB.
func residentFiles(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(status), "RssFile:")
	fields := strings.Fields(after)
	if !found || len(fields) == 0 {
		t.Skip("this kernel does not tell")
	}
	size, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return size
}
