package record

import (
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/hack/conformance/suite"
	"github.com/orrery-dev/orrery/hack/conformance/tests"
)

var three = []tests.Test{
	{Name: "[sig-apps] Job should run [Conformance]", SIG: "apps"},
	{Name: "[sig-node] Pods should run [Conformance]", SIG: "node"},
	{Name: "External Storage [Driver: a] should be mounted", SIG: "storage"},
}

func TestARunLeavesAloneWhatItIsNotAbout(t *testing.T) {
	first := Record(nil).Updated(three, []suite.Result{
		{Name: three[0].Name, Outcome: suite.Passed},
		{Name: three[1].Name, Outcome: suite.Failed, Message: "it did not"},
	}, "aaa")
	second := first.Updated(three, []suite.Result{{Name: three[1].Name, Outcome: suite.Skipped, Message: "one node\tis too few\nat pods.go:7"}}, "bbb")
	for _, c := range []struct {
		name string
		got  Record
		want Record
	}{
		{"the first run", first, Record{
			{Outcome: suite.Passed, Commit: "aaa", Test: three[0]},
			{Outcome: suite.Failed, Commit: "aaa", Test: three[1]},
			{Outcome: NotRun, Commit: "-", Test: three[2]},
		}},
		{"a run of one test", second, Record{
			{Outcome: suite.Passed, Commit: "aaa", Test: three[0]},
			{Outcome: suite.Skipped, Commit: "bbb", Test: three[1], Why: "one node is too few"},
			{Outcome: NotRun, Commit: "-", Test: three[2]},
		}},
		{"a suite that has lost a test", second.Updated(three[:1], nil, "ccc"), Record{{Outcome: suite.Passed, Commit: "aaa", Test: three[0]}}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: got  %+v\nwant %+v", c.name, c.got, c.want)
		}
		read, err := Parse(c.got.String())
		if err != nil || !slices.Equal(read, c.got) {
			t.Errorf("%s: read again it is %+v: %v", c.name, read, err)
		}
	}
	if got := second.Commits(); !slices.Equal(got, []string{"aaa", "bbb"}) {
		t.Errorf("its commits are %v", got)
	}
	if got := second.Count(suite.Passed); got != 1 {
		t.Errorf("%d passed, want 1", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"passed\taaa\n": "line 1",
		"# a comment\n\nwell\taaa\t[sig-apps] Job runs\n": `line 3: "well" is no outcome`,
		"passed\taaa\tJob runs\n":                         "line 1: the name of a test names no special interest group",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: the error is %v, want %q in it", text, err, says)
		}
	}
}
