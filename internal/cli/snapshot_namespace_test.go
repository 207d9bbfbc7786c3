package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/restore"
)

func TestFlagsOfARestoreAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		options namespaceRestore
		given   []string
		want    string
	}{
		"all of a snapshot":                    {},
		"one namespace":                        {options: namespaceRestore{namespace: "shop", selector: "app=web,tier!=cache"}},
		"a part of nothing":                    {given: []string{"kinds"}, want: "--kinds is for the restore of one namespace: name it with --namespace"},
		"a dry run of all of it":               {given: []string{"dry-run"}, want: "--dry-run is for the restore of one namespace"},
		"a name that no namespace can have":    {options: namespaceRestore{namespace: "shop", into: "Shop!"}, want: `"Shop!" is no name of a namespace`},
		"a selector that selects nothing sane": {options: namespaceRestore{namespace: "shop", selector: "a==b==c"}, want: `--selector "a==b==c"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.options.check(func(flag string) bool { return slices.Contains(c.given, flag) })
			if got := errorText(err); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want an error with %q", got, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestARestoreThatIsNotWholeIsAnError(t *testing.T) {
	web := restore.Entry{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	refused := restore.Report{Failed: []restore.Failure{{Step: restore.Step{Verb: restore.Create, Entry: web}, Error: "exceeded quota"}}}
	blocked := restore.Report{Rest: restore.Rest{Blocked: []restore.Entry{web}}}
	for name, c := range map[string]struct {
		report restore.Report
		err    error
		want   []string
	}{
		"whole":       {},
		"refused":     {report: refused, want: []string{"create Deployment shop/web: exceeded quota", "the same command goes on"}},
		"blocked":     {report: blocked, want: []string{"1 of the objects cannot be restored"}},
		"interrupted": {report: refused, err: errors.New("no connection"), want: []string{"exceeded quota", "no connection"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := errorText(unfinished(c.report, c.err))
			if (len(c.want) == 0) != (got == "") {
				t.Errorf("got %q", got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want it to have %q", got, want)
				}
			}
		})
	}
}
