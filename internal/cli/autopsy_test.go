package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

func TestAProcessThatEndsWithoutAWordIsExplainedInASentence(t *testing.T) {
	const before = "panic: of an earlier start\n"
	for name, c := range map[string]struct {
		log   string
		want  []string
		lines int
	}{
		"a database whose pages are garbled": {
			"time=1 level=INFO msg=starting\npanic: page 7: invalid type: unknown<4d>\n\ngoroutine 231 [running]:\ngo.etcd.io/bbolt.(*DB).freepages.func2()\n\t/db.go:1295\n",
			[]string{"damaged", "apiserver/etcd", "page 7: invalid type", "reset --yes"}, 1,
		},
		"a database that was cut off under it": {
			"unexpected fault address 0x7f\nfatal error: fault\n[signal SIGBUS: bus error]\n\ngoroutine 7 [running]:\ngo.etcd.io/etcd/server/v3/storage.OpenBackend\n",
			[]string{"damaged", "unexpected fault address"}, 1,
		},
		"a fault of ours": {
			"panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n",
			[]string{"assignment to entry in nil map", "fault of the program", "orrery.log"}, 1,
		},
		"last words":   {"one\ntwo\n", []string{"last words", "one\ntwo"}, 3},
		"nothing said": {"", []string{"without a word"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inst, err := instance.Open(t.TempDir(), "orrery")
			if err == nil {
				err = inst.Prepare()
			}
			if err == nil {
				err = os.WriteFile(inst.Log(), []byte(before+c.log), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			said := autopsy(inst, int64(len(before))).Error()
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("%q does not say %q", said, want)
				}
			}
			if lines := strings.Count(said, "\n") + 1; lines != c.lines {
				t.Errorf("it says %d lines, want %d:\n%s", lines, c.lines, said)
			}
		})
	}
}
