package main

import "testing"

func TestShell(t *testing.T) {
	for _, c := range []struct {
		name, want  string
		environment []string
	}{
		{"names that are identifiers go to ash", "/bin/ash", []string{"PATH=/bin", "_x1="}},
		{"a name with a hyphen goes to bash", "/bin/bash", []string{"PATH=/bin", "data-1=value"}},
		{"a name that begins with a digit goes to bash", "/bin/bash", []string{"1st=value"}},
		{"an empty environment goes to ash", "/bin/ash", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shell(c.environment); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
