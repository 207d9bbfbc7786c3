package rbac

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

// may is a role with one rule for each of these: verbs, group and resource, as in "get;list example.org sites".
func may(lines ...string) []Grant {
	role := Role{Name: "r"}
	for _, line := range lines {
		words := strings.Split(line, " ")
		role.Rules = append(role.Rules, rbacv1.PolicyRule{Verbs: strings.Split(words[0], ";"), APIGroups: []string{words[1]}, Resources: []string{words[2]}})
		role.Places = append(role.Places, "r")
	}
	return Grants(role)
}

func TestJudge(t *testing.T) {
	const group = "example.org"
	asked := func(verbs ...string) []Request {
		var all []Request
		for _, verb := range verbs {
			all = append(all, Request{Verb: verb, Group: group, Resource: "sites", Namespace: "default"})
		}
		return all
	}
	for name, c := range map[string]struct {
		granted []Grant
		asked   []Request
		reasons []Reason
		unused  []string
		excused int
	}{
		"what is used is nothing to speak of":                       {may("list;watch example.org sites"), asked("list", "watch"), nil, nil, 0},
		"list is for who watches":                                   {may("list;watch example.org sites"), asked("watch"), nil, nil, 1},
		"list is for who watches by another rule":                   {may("list example.org sites", "watch example.org sites"), asked("watch"), nil, nil, 1},
		"list is for nobody where nobody watches":                   {may("list;watch;delete example.org sites"), asked("delete"), nil, []string{"list, watch sites.example.org: r"}, 0},
		"an event is counted by who records one":                    {may("create;patch example.org sites", "create;patch  events"), asked("create", "patch"), nil, []string{"create, patch events: r"}, 0},
		"finalizers show in no request":                             {may("update example.org sites/finalizers"), nil, nil, nil, 1},
		"escalating shows in no request":                            {may("escalate;update rbac.authorization.k8s.io roles"), nil, nil, []string{"update roles.rbac.authorization.k8s.io: r"}, 1},
		"a wildcard is used by anything":                            {may("* * *"), asked("get"), nil, nil, 0},
		"a status is another resource":                              {may("patch example.org sites/status"), asked("patch"), nil, []string{"patch sites.example.org/status: r"}, 0},
		"a loop asks what became of what it wrote":                  {may("get example.org sites", "patch example.org sites"), asked("patch"), Loops(), nil, 1},
		"a loop asks nothing where it writes nothing":               {may("get;delete example.org sites"), nil, Loops(), []string{"get, delete sites.example.org: r"}, 0},
		"a loop asks of what it wrote although that did not happen": {may("get;delete example.org sites"), nil, append(Loops(), Reason{Verb: "delete", Why: "seldom"}), nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			j := Judge(c.granted, c.asked, c.reasons)
			if diff := cmp.Diff(c.unused, leftover(j.Unused)); diff != "" || len(j.Excused) != c.excused || len(j.Idle) > 0 {
				t.Errorf("unused (-want +got):\n%s\nexcused: %v, want %d; idle: %v, want none", diff, j.Excused, c.excused, j.Idle)
			}
		})
	}
}
