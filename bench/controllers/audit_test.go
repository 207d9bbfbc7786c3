package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestOfALine(t *testing.T) {
	for name, c := range map[string]struct {
		line   string
		want   request
		writes bool
	}{
		"a controller is called as its user agent ends": {
			`{"verb":"create","userAgent":"kube-controller-manager/v1.37.1 (linux/amd64) kubernetes/abc/system:serviceaccount:kube-system:job-controller","objectRef":{"resource":"pods"},"responseStatus":{"code":201}}`,
			request{By: "system:serviceaccount:kube-system:job-controller", Verb: "create", What: "pods"}, true,
		},
		"a subresource is named with its resource": {
			`{"verb":"patch","userAgent":"a/b","objectRef":{"resource":"pods","subresource":"status"},"responseStatus":{"code":200}}`,
			request{By: "b", Verb: "patch", What: "pods/status"}, true,
		},
		"a conflict was refused, and is a write": {
			`{"verb":"update","userAgent":"a/b","objectRef":{"resource":"pods"},"responseStatus":{"code":409}}`,
			request{By: "b", Verb: "update", What: "pods", Refused: true}, true,
		},
		"a list is no write": {
			`{"verb":"list","userAgent":"a","objectRef":{"resource":"pods"},"responseStatus":{"code":200}}`,
			request{By: "a", Verb: "list", What: "pods"}, false,
		},
		"a question is no write, though it is created": {
			`{"verb":"create","userAgent":"a","objectRef":{"resource":"subjectaccessreviews"},"responseStatus":{"code":201}}`,
			request{By: "a", Verb: "create", What: "subjectaccessreviews"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := requestOf([]byte(c.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if got.writes() != c.writes {
				t.Errorf("writes is %v: want %v", got.writes(), c.writes)
			}
		})
	}
}

func TestTallyReadsOnWhereItEnded(t *testing.T) {
	const (
		first  = `{"verb":"create","userAgent":"a","objectRef":{"resource":"pods"}}` + "\n"
		begun  = `{"verb":"create","userAgent":"a",`
		ended  = `"objectRef":{"resource":"pods"}}` + "\n"
		listed = `{"verb":"list","userAgent":"a","objectRef":{"resource":"pods"}}` + "\n"
	)
	tally := tally{path: filepath.Join(t.TempDir(), "audit.log"), counts: map[request]int{}}
	for i, c := range []struct {
		text   string
		writes int
	}{{"", 0}, {first + begun, 1}, {"", 0}, {ended + listed, 1}} {
		file, err := os.OpenFile(tally.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(c.text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := tally.read()
		if err != nil {
			t.Fatal(err)
		}
		if got != c.writes {
			t.Errorf("reading %d: %d writes: want %d", i, got, c.writes)
		}
	}
	if n := tally.counts[request{By: "a", Verb: "create", What: "pods"}]; n != 2 {
		t.Errorf("%d pods were created: want 2", n)
	}
}
