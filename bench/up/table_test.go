package main

import (
	"strings"
	"testing"
	"time"
)

func TestPrintTable(t *testing.T) {
	ours := figures{binary: 130e6, ready: 1500 * time.Millisecond, rest: memory{"orrery": 300 << 20, containerdRuntime: 40 << 20}}
	theirs := figures{binary: 260e6, ready: 6 * time.Second}
	for name, c := range map[string]struct {
		measured []figures
		want     []string
	}{
		"shows one contender alone":           {[]figures{ours}, []string{"1.5 s", "130 MB", "300 MiB"}},
		"shows ratios of two":                 {[]figures{ours, theirs}, []string{"1.5 s  6.0 s  4.0", "130 MB  260 MB  2.0"}},
		"shows a dash where nothing is known": {[]figures{ours, {}}, []string{"1.5 s  -  -"}},
		"shows no ratio to what was nothing":  {[]figures{theirs, ours}, []string{"-  300 MiB  -"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := printTable(&out, simulatedRuntime, settings{replicas: 50, churn: 300, idle: time.Minute}, c.measured); err != nil {
				t.Fatal(err)
			}
			words := strings.Join(strings.Fields(out.String()), " ")
			for _, want := range c.want {
				if !strings.Contains(words, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("%q is not in\n%s", want, out.String())
				}
			}
		})
	}
}
