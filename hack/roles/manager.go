package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/orrery-dev/orrery/apis"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/controllers"
)

// writeManager writes the roles of a manager on a cluster of somebody else's, where it is one identity for all loops.
func writeManager(config string, rooms []room, from sources) error {
	scheduler, err := readMarkers(from.below("scheduler")...)
	if err != nil {
		return fmt.Errorf("reading the markers of the scheduler: %w", err)
	}
	nodes, err := readMarkers(from.below("nodeagent")...)
	if err != nil {
		return fmt.Errorf("reading the markers of simulated nodes: %w", err)
	}
	hooks, err := readMarkers(from.below("webhooks")...)
	if err != nil {
		return fmt.Errorf("reading the markers of the webhooks: %w", err)
	}
	for _, role := range []struct {
		file, name string
		asked      marked
	}{
		{"rbac/role.yaml", "manager-role", ours(within(controllers.OurKinds, rooms))},
		{"rbac/scheduler_role.yaml", "scheduler-role", scheduler},
		{"webhook/role.yaml", "webhook-role", hooks},
		{"simulated-nodes/role.yaml", "simulated-nodes-role", everywhere(nodes)},
		{"cluster-loops/role.yaml", "cluster-loops-role", everywhere(within(controllers.ClusterKinds, rooms), within(controllers.ClusterAuthority, rooms))},
	} {
		if len(role.asked.roles) > 0 {
			return fmt.Errorf("writing %s: a right in the namespace %s alone is asked for, and a manager has its rights in all", role.file, role.asked.roles[0].Namespace)
		}
		object := rbacv1.ClusterRole{
			TypeMeta: typeOf("ClusterRole"), ObjectMeta: metav1.ObjectMeta{Name: role.name}, Rules: merge(renamed(role.asked.rules)),
		}
		if err := writeYAML(filepath.Join(config, role.file), object); err != nil {
			return fmt.Errorf("writing %s: %w", role.file, err)
		}
	}
	return nil
}

// everywhere is all that is asked for, in all namespaces. The loops of what every cluster has may read and delete objects of any kind
// together: that some of them see Secrets of one namespace alone makes no difference to what the manager may do. Nor does it for
// nodes, which read any Secret: that their Leases are all in one namespace.
func everywhere(asked ...marked) marked {
	var all marked
	for _, m := range asked {
		all.rules = append(all.rules, m.rules...)
		for _, role := range m.roles {
			all.rules = append(all.rules, role.Rules...)
		}
	}
	return all
}

// ours narrows what is asked for of every group, as the scale of whatever an autoscaler points to, to the groups of our kinds where it
// changes anything: a manager on somebody else's cluster has nothing else to change there. It reads of every group.
func ours(asked marked) marked {
	narrowed := marked{roles: asked.roles}
	for _, rule := range asked.rules {
		changes := slices.DeleteFunc(slices.Clone(rule.Verbs), reads)
		if len(changes) == 0 || !slices.Contains(rule.APIGroups, rbacv1.APIGroupAll) {
			narrowed.rules = append(narrowed.rules, rule)
			continue
		}
		changing := rule.DeepCopy()
		changing.APIGroups, changing.Verbs = ourGroups(), changes
		narrowed.rules = append(narrowed.rules, *changing)
		if looks := slices.DeleteFunc(slices.Clone(rule.Verbs), func(verb string) bool { return !reads(verb) }); len(looks) > 0 {
			looking := rule.DeepCopy()
			looking.Verbs = looks
			narrowed.rules = append(narrowed.rules, *looking)
		}
	}
	return narrowed
}

func reads(verb string) bool { return slices.Contains([]string{"get", "list", "watch"}, verb) }

// ourGroups are those of our kinds in the Orrery naming.
func ourGroups() []string {
	var groups []string
	for _, kind := range apis.Kinds() {
		groups = append(groups, kind.GroupVersionKind(apis.Orrery).Group)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// within is all that the rooms of a scope ask for.
func within(scope controllers.Scope, rooms []room) marked {
	var all marked
	for _, r := range rooms {
		if r.Scope == scope {
			all.rules, all.roles = append(all.rules, r.rules...), append(all.roles, r.roles...)
		}
	}
	return all
}

// writeYAML writes objects, a document each.
func writeYAML(path string, objects ...any) error {
	var content []byte
	for _, object := range objects {
		document, err := yaml.Marshal(object)
		if err != nil {
			return err
		}
		content = append(append(content, "---\n"...), document...)
	}
	return os.WriteFile(path, content, 0o644)
}
