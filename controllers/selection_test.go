package controllers

import (
	"slices"
	"strings"
	"testing"
)

// selected are the names of the loops that run, as flags ask for.
func selected(t *testing.T, flags ...string) []string {
	t.Helper()
	var s Selection
	for _, flag := range flags {
		if err := s.Set(flag); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, e := range s.Of(All(Options{})) {
		names = append(names, e.Loop.Name())
	}
	slices.Sort(names)
	return names
}

func TestASelectionTakesTheWordsOfKubeControllerManager(t *testing.T) {
	_, off := Names()
	usual := slices.DeleteFunc(loopNames(), func(name string) bool { return slices.Contains(off, name) })
	but := func(without ...string) []string {
		return slices.DeleteFunc(slices.Clone(usual), func(name string) bool { return slices.Contains(without, name) })
	}
	for _, test := range []struct {
		name  string
		flags []string
		want  []string
	}{
		{"without a flag all run that are on by default", nil, usual},
		{"* is the same", []string{"*"}, usual},
		{"a name after - is left out", []string{"*,-deployment-controller"}, but("deployment-controller")},
		{"whatever the order", []string{"-deployment-controller,*"}, but("deployment-controller")},
		{"names alone are all that run", []string{"deployment-controller,replicaset-controller"}, []string{"deployment-controller", "replicaset-controller"}},
		{"an alias is as good as the name", []string{"deployment"}, []string{"deployment-controller"}},
		{"a name of upstream's means both loops that do its work", []string{"job"}, []string{"job-controller", "orphaned-job-pod-controller"}},
		{"a name of ours means that loop", []string{"*,-orphaned-job-pod-controller"}, but("orphaned-job-pod-controller")},
		{"of two words about one loop the first counts", []string{"*,-job,job"}, but("job-controller", "orphaned-job-pod-controller")},
		{"of two flags too", []string{"ttl,-ttl", "ttl"}, []string{"ttl-controller"}},
		{"what is not here can be turned off", []string{"*,-selinux-warning-controller"}, usual},
		{"spaces do not matter", []string{"ttl, job-controller"}, []string{"job-controller", "orphaned-job-pod-controller", "ttl-controller"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := selected(t, test.flags...); !slices.Equal(got, test.want) {
				t.Errorf("they are %v, want %v", got, test.want)
			}
		})
	}
}

func TestMoreLoopsRunWhereAllUsualOnesDo(t *testing.T) {
	const off = "token-cleaner-controller"
	for _, test := range []struct {
		words string
		want  bool
	}{
		{"", true}, {"*", true}, {"*,-deployment", true}, {"deployment", false}, {"*,-" + off, false}, {"-" + off + ",*", false},
	} {
		var s Selection
		if test.words != "" {
			if err := s.Set(test.words); err != nil {
				t.Fatal(err)
			}
		}
		before := s.String()
		more := s.Also(off)
		if got := more.runs(off); got != test.want {
			t.Errorf("with %q it runs: %t", test.words, got)
		}
		if more.runs("job-controller") != s.runs("job-controller") || s.String() != before {
			t.Errorf("with %q something else has changed: %s became %s", test.words, before, more)
		}
	}
}

func TestASelectionOfWhatThereIsNotSaysWhatThereIs(t *testing.T) {
	for text, want := range map[string]string{
		"deploymnt":                  `"deploymnt" is the name of no controller: did you mean deployment?`,
		"*,-replica-set-controller":  `did you mean replicaset-controller?`,
		"selinux-warning-controller": "orrery has no selinux-warning-controller: nobody warns of pods",
		"":                           `"" is the name of no controller`,
		"-*":                         `"-*" is the name of no controller`,
	} {
		var s Selection
		if err := s.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
		if s.String() != "*" {
			t.Errorf("%q: what is refused leaves %s, want nothing", text, s)
		}
	}
}

func TestALoopThatIsOffByDefaultRunsWhereItIsNamed(t *testing.T) {
	for text, runs := range map[string]bool{
		"": false, "*": false, "tokencleaner": true, "*,tokencleaner": true, "*,-token-cleaner-controller": false,
	} {
		s := Selection{}
		if text != "" {
			s.words = strings.Split(strings.ReplaceAll(text, "tokencleaner", "token-cleaner-controller"), ",")
		}
		if got := s.runs("token-cleaner-controller"); got != runs {
			t.Errorf("%q: it runs is %t, want %t", text, got, runs)
		}
	}
}

func TestASelectionIsToldInFewWords(t *testing.T) {
	entries := All(Options{})
	for text, want := range map[string]string{
		"*":      "",
		"*,-job": "without job-controller, orphaned-job-pod-controller",
		"job":    "only job-controller, orphaned-job-pod-controller",
	} {
		var s Selection
		if err := s.Set(text); err != nil {
			t.Fatal(err)
		}
		if got := s.Summary(entries); got != want {
			t.Errorf("%s reads %q, want %q", text, got, want)
		}
	}
}
