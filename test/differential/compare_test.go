package differential

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// difference is what is to be changed in our state to make it upstream's, object by object, but for what the rules let stand. It is
// empty if they are the same.
func difference(our, their *state) string {
	var out strings.Builder
	out.WriteString(differentObjects(our, their))
	only := func(mark string, a, b *state) {
		for _, event := range slices.Sorted(maps.Keys(a.events)) {
			if _, both := b.events[event]; !both && (a != our || !isOurs(event)) {
				fmt.Fprintf(&out, "%s event %s (%s)\n", mark, event, a.events[event])
			}
		}
	}
	only("-", our, their)
	only("+", their, our)
	return out.String()
}

// onlyEvents reports whether it is only Events that the states differ in.
func onlyEvents(our, their *state) bool { return differentObjects(our, their) == "" }

func differentObjects(our, their *state) string {
	var out strings.Builder
	keys := maps.Clone(our.texts)
	maps.Copy(keys, their.texts)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if our.texts[key] == their.texts[key] || excused(key, our.fields[key], their.fields[key]) || our.fields[key] == nil && leftover(key, their) {
			continue
		}
		diff := cmp.Diff(strings.Split(our.texts[key], "\n"), strings.Split(their.texts[key], "\n"))
		fmt.Fprintf(&out, "%s:\n%s", key, diff)
	}
	return out.String()
}

// excused reports whether two objects are the same when the differences that stand are taken out.
func excused(key string, our, their map[string]any) bool {
	if our == nil || their == nil {
		return false
	}
	kind, _, _ := strings.Cut(key, "/")
	our, their = runtime.DeepCopyJSON(our), runtime.DeepCopyJSON(their)
	for _, rule := range rules {
		if rule.kind == kind {
			rule.level(our, their)
		}
	}
	return text(our) == text(their)
}

// leftover reports whether an object that only upstream has is a revision of a StatefulSet that is being deleted: garbage collection
// deletes it, and upstream's controller, which goes on to look at the StatefulSet, makes it again. Ours keeps only the status then.
func leftover(key string, their *state) bool {
	revision, ok := their.objects[key].(*appsv1.ControllerRevision)
	if !ok {
		return false
	}
	owner := metav1.GetControllerOf(revision)
	if owner == nil || owner.Kind != "StatefulSet" {
		return false
	}
	set := their.objects["StatefulSet/"+owner.Name]
	return set != nil && set.GetDeletionTimestamp() != nil
}

// isOurs reports whether an Event is one that upstream may be silent about.
func isOurs(event string) bool {
	for _, e := range ourEvents {
		if strings.Contains(event+" ", " "+e.reason+" ") {
			return true
		}
	}
	return false
}
