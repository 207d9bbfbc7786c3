package suite

import (
	"fmt"
	"io"
	"slices"
	"testing"
)

func TestProgressIsToldAsTestsEnd(t *testing.T) {
	var told []string
	p := &progress{total: 5, say: func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }}
	w := p.reading(io.Discard)
	const output = `SSSSSSSSS
------------------------------
• [4.133 seconds]
[sig-apps] DisruptionController should observe status [Conformance] [sig-apps, Conformance]
/go/pkg/mod/k8s.io/kubernetes/test/e2e/apps/disruption.go:113
------------------------------
• [FAILED] [60.989 seconds]
[sig-apps] ReplicationController [It] should surface a failure [Conformance] [sig-apps, Conformance]
SSSSSSSS
S [SKIPPED] [0.5 seconds]
[sig-architecture] Conformance Tests [It] should have at least two nodes [Conformance] [sig-architecture, Conformance]
------------------------------
[sig-apps] Daemon set should run and stop simple daemon [Conformance] [Serial] [sig-apps, Serial, Conformance]
/go/pkg/mod/k8s.io/kubernetes/test/e2e/apps/daemon_set.go:166
  STEP: Creating a kubernetes client @ 11/30/26 10:13:50.419
• [3.0 seconds]
------------------------------
External Storage [Driver: a] [Testpattern: Dynamic PV (default fs)] subPath should be mounted
/go/pkg/mod/k8s.io/kubernetes/test/e2e/storage/testsuites/subpath.go:100
  STEP: Creating a kubernetes client @ 11/30/26 10:13:50.419
• [4.0 seconds]
------------------------------
`
	for _, b := range []byte(output) { // lines come in pieces
		if n, err := w.Write([]byte{b}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	want := []string{
		"  1/5, 0 failed  passed     4.1 s  [sig-apps] DisruptionController should observe status [Conformance]",
		"  2/5, 1 failed  FAILED    61.0 s  [sig-apps] ReplicationController should surface a failure [Conformance]",
		"  3/5, 1 failed  skipped    0.5 s  [sig-architecture] Conformance Tests should have at least two nodes [Conformance]",
		"  4/5, 1 failed  passed     3.0 s  [sig-apps] Daemon set should run and stop simple daemon [Conformance] [Serial]",
		"  5/5, 1 failed  passed     4.0 s  External Storage [Driver: a] [Testpattern: Dynamic PV (default fs)] subPath should be mounted",
	}
	if !slices.Equal(told, want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}
