package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

func TestWhatTheLoaderHasWrittenIsKept(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "program"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	size := os.Getpagesize()
	if err := file.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	written, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(written) }()
	written[0] = 1
	if err := unix.Mprotect(written, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	if err := returnFile(file.Name()); err != nil {
		t.Fatal(err)
	}
	if written[0] != 1 {
		t.Error("what was written before it was protected is gone")
	}
}

func TestParseMappings(t *testing.T) {
	const figures = "Size:               1000 kB\nAnonymous:             %d kB\nVmFlags: rd ex mr mw me sd\n"
	of := func(line string, anonymous int) string { return line + "\n" + fmt.Sprintf(figures, anonymous) }
	for name, c := range map[string]struct {
		smaps string
		want  mapping
		fail  bool
	}{
		"reads that of a file": {
			smaps: of("00400000-04773000 r-xp 00000000 00:1f 4711    /my bin/orrery", 0),
			want:  mapping{0x400000, 0x4773000, false, false, "/my bin/orrery"},
		},
		"reads that of a file that was written to": {
			smaps: of("00400000-04773000 r--p 00000000 00:1f 4711    /bin/orrery", 8),
			want:  mapping{0x400000, 0x4773000, false, true, "/bin/orrery"},
		},
		"reads that of no file": {
			smaps: of("c000000000-c000400000 rw-p 00000000 00:00 0", 4096),
			want:  mapping{0xc000000000, 0xc000400000, true, true, ""},
		},
		"takes one of which the kernel does not tell for changed": {
			smaps: "00400000-04773000 r-xp 00000000 00:1f 4711    /bin/orrery",
			want:  mapping{0x400000, 0x4773000, false, true, "/bin/orrery"},
		},
		"refuses a line of another form":  {smaps: "00400000", fail: true},
		"refuses addresses that are none": {smaps: "x-y r-xp 00000000 00:1f 4711", fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseMappings(strings.NewReader(c.smaps))
			if (err != nil) != c.fail || err == nil && (len(got) != 1 || got[0] != c.want) {
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
