package server

import (
	"net/url"
	"strings"
	"testing"
)

func TestWhatAQueryOfTheNodesLogsBecomes(t *testing.T) {
	t.Setenv("TZ", "UTC")
	for _, test := range []struct{ query, want string }{
		{"query=sshd", "--utc --no-pager --output=short-precise --unit=sshd"},
		{"query=sshd&query=cron.d&tailLines=10&pattern=fail.d&boot=-1", "--utc --no-pager --output=short-precise --pager-end --lines=10 --unit=sshd --unit=cron.d --grep=fail.d --boot -1"},
	} {
		q, asked, err := parse(t, test.query)
		if got := strings.Join(q.arguments(q.services), " "); !asked || err != nil || got != test.want {
			t.Errorf("%s: got %q (%v), want %q", test.query, got, err, test.want)
		}
	}
	q, _, err := parse(t, "query=sshd&sinceTime=2026-11-30T19:00:00Z&untilTime=2026-11-30T20:00:00Z")
	since := q.since.Local().Format("2006-1-2 15:4:5")
	if got := strings.Join(q.arguments(nil), " "); err != nil || !strings.Contains(got, "--since="+since) || !strings.Contains(got, "--until=2026-") {
		t.Errorf("times: got %q (%v)", got, err)
	}
}

func TestWhatAQueryOfTheNodesLogsMayNotBe(t *testing.T) {
	for query, want := range map[string]string{
		"query=":          "query: may not be empty",
		"query=+":         "query: may not be empty",
		"tailLines=3":     "query: may not be empty",
		"query=$(reboot)": "input contains unsupported characters",
		"query=-help%0a":  "input contains unsupported characters",
		"query=a&query=b&query=c&query=d&query=e": "query: must have at most 4 items",
		"query=a&query=/b":                        "cannot specify a file and service",
		"query=/a&query=/b":                       "cannot specify more than one file",
		"query=/a&boot=0":                         "cannot specify file with options",
		"query=a&boot=1":                          "boot: 1: must be less than 1",
		"query=a&boot=now":                        `boot: "now" is not a number`,
		"query=a&tailLines=100001":                "tailLines: 100001: must be between 0 and 100000",
		"query=a&sinceTime=yesterday":             `sinceTime: "yesterday": invalid time format`,
		"query=a&pattern=[":                       "pattern: ",
		"query=a&sinceTime=2026-01-02T00:00:00Z&untilTime=2026-01-01T00:00:00Z": "untilTime: must be after `sinceTime`",
		"query=" + strings.Repeat("a", 257):                                     "length must be less than 256",
	} {
		if _, asked, err := parse(t, query); !asked || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", query, err, want)
		}
	}
	if _, asked, _ := parse(t, ""); asked {
		t.Error("nothing is taken for a query")
	}
}

func parse(t *testing.T, query string) (logQuery, bool, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return parseLogQuery(values)
}
