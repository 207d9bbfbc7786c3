package controllers_test

import (
	"path"
	"regexp"
	"slices"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestEveryBuiltInKindSaysWhoActsOnItOrWhatIsMissing(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range controllers.BuiltIns() {
		if seen[b.String()] {
			t.Errorf("%s has two lines", b)
		}
		seen[b.String()] = true
		if (b.By == "") == (b.Without == "") {
			t.Errorf("%s: %q acts on it, and without a loop %q: want one of the two", b, b.By, b.Without)
		}
	}
}

// over is a loop over objects of a kind.
type over struct {
	loop.Loop
	object client.Object
}

func (o over) Object() client.Object { return o.object }

func TestAKindIsServedAsSoonAsThereIsALoopForIt(t *testing.T) {
	entry := func(room string, object client.Object) controllers.Entry {
		return controllers.Entry{Room: room, Loop: over{object: object}}
	}
	for name, c := range map[string]struct {
		kind     string
		entries  []controllers.Entry
		unserved bool
	}{
		"without loops":                 {"StatefulSet.apps", nil, true},
		"with the loop of another kind": {"StatefulSet.apps", []controllers.Entry{entry("apps/daemonset", &oappsv1.DaemonSet{})}, true},
		"with a loop of its own":        {"StatefulSet.apps", []controllers.Entry{entry("apps/anything", &oappsv1.StatefulSet{})}, false},
		"with one that only protects":   {"PersistentVolumeClaim", []controllers.Entry{entry("core/pvcprotection", &ocorev1.PersistentVolumeClaim{})}, true},
		"with one that protects and one that serves": {"PersistentVolumeClaim", []controllers.Entry{
			entry("core/pvcprotection", &ocorev1.PersistentVolumeClaim{}), entry("storage/binder", &ocorev1.PersistentVolumeClaim{}),
		}, false},
		"that takes no loop": {"ConfigMap", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			unserved := slices.ContainsFunc(controllers.Unserved(c.entries), func(b controllers.BuiltIn) bool { return b.String() == c.kind })
			if unserved != c.unserved {
				t.Errorf("%s is unserved is %t, want %t", c.kind, unserved, c.unserved)
			}
		})
	}
}

// aside are names of rooms whose loops alone do not make a kind work.
var aside = regexp.MustCompile(`protection|clean|ttl|gc$|expan|legacy|unused|stale`)

func TestALoopThatOnlyProtectsOrClearsAwayDoesNotServeItsKind(t *testing.T) {
	all := controllers.All(controllers.Options{})
	for _, e := range all {
		if !aside.MatchString(path.Base(e.Room)) {
			continue
		}
		for _, b := range controllers.Unserved(nil) {
			alone := !slices.ContainsFunc(controllers.Unserved([]controllers.Entry{e}), func(u controllers.BuiltIn) bool { return u.GroupKind == b.GroupKind })
			if alone && b.Kind != "VolumeAttributesClass" { // which is only to be protected
				t.Errorf("%s alone serves %s: is it one that the kind works without? Then say so in its line of builtins.go", e.Room, b)
			}
		}
	}
}
