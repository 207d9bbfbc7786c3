package loop_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

func controlledBy(apiVersion, kind, name string) *corev1.ConfigMap {
	c := aConfigMap("owned")
	yes := true
	c.OwnerReferences = []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, UID: "1", Controller: &yes}}
	return c
}

func TestWhatWakesALoop(t *testing.T) {
	onlyUpdates := predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(event.UpdateEvent) bool { return true },
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
	byName := func(_ context.Context, _ client.Reader, changed *corev1.ConfigMap) ([]client.ObjectKey, error) {
		return []client.ObjectKey{{Name: "for " + changed.Name}}, nil
	}
	ofTier := loop.Update(func(was, is *corev1.ConfigMap) bool { return was.Data["tier"] != is.Data["tier"] })
	none := (*corev1.ConfigMap)(nil)
	for _, tt := range []struct {
		name          string
		option        loop.Option
		before, after *corev1.ConfigMap
		want          []string
	}{
		{
			name: "the controller of what comes into being", option: loop.Owns(&corev1.ConfigMap{}),
			before: none, after: controlledBy("example.org/v1", "Website", "a"), want: []string{"default/a"},
		},
		{
			name: "the controller of what goes", option: loop.Owns(&corev1.ConfigMap{}),
			before: controlledBy("example.org/v1", "Website", "a"), after: none, want: []string{"default/a"},
		},
		{
			name: "both, when it changes hands", option: loop.Owns(&corev1.ConfigMap{}),
			before: controlledBy("example.org/v1", "Website", "a"), after: controlledBy("example.org/v1", "Website", "b"),
			want: []string{"default/a", "default/b"},
		},
		{
			name: "nobody, where an update concerns nobody", option: loop.Watches(byName, ofTier),
			before: aConfigMap("owned"), after: withData(aConfigMap("owned"), map[string]string{"k": "v"}),
		},
		{
			name: "those whom an update concerns", option: loop.Watches(byName, ofTier),
			before: aConfigMap("owned"), after: withData(aConfigMap("owned"), map[string]string{"tier": "front"}),
			want: []string{"/for owned", "/for owned"},
		},
		{
			name: "those whom an update would concern, by what comes", option: loop.Watches(byName, ofTier),
			before: none, after: aConfigMap("owned"), want: []string{"/for owned"},
		},
		{
			name: "the controller in another version of its group", option: loop.Owns(&corev1.ConfigMap{}),
			before: none, after: controlledBy("example.org/v2", "Website", "a"), want: []string{"default/a"},
		},
		{
			name: "no controller of another kind", option: loop.Owns(&corev1.ConfigMap{}),
			before: none, after: controlledBy("example.org/v1", "Webshop", "a"),
		},
		{
			name: "no controller of another group", option: loop.Owns(&corev1.ConfigMap{}),
			before: none, after: controlledBy("example.com/v1", "Website", "a"),
		},
		{
			name: "nobody for what has no owner", option: loop.Owns(&corev1.ConfigMap{}),
			before: none, after: aConfigMap("a"),
		},
		{
			name: "whom it concerns, as it was and as it is", option: loop.Watches(byName),
			before: aConfigMap("a"), after: aConfigMap("b"), want: []string{"/for a", "/for b"},
		},
		{
			name: "nobody for what a predicate holds back", option: loop.Watches(byName, onlyUpdates),
			before: none, after: aConfigMap("a"),
		},
		{
			name: "nobody for a deletion that a predicate holds back", option: loop.Owns(&corev1.ConfigMap{}, onlyUpdates),
			before: controlledBy("example.org/v1", "Website", "a"), after: none,
		},
		{
			name: "whom it concerns, where the predicate lets it", option: loop.Watches(byName, onlyUpdates),
			before: aConfigMap("a"), after: aConfigMap("a"), want: []string{"/for a", "/for a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			watches := loop.New("tester", controller{}, tt.option).Watches()
			if len(watches) != 2 {
				t.Fatalf("%d watches, want that of its own kind and the one that was declared", len(watches))
			}
			var before, after client.Object
			if tt.before != nil {
				before = tt.before
			}
			if tt.after != nil {
				after = tt.after
			}
			var got []string
			keys, err := watches[1].Wakes(t.Context(), looptest.NewWorld(websiteScheme()).Client("tester"), before, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				got = append(got, key.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("wakes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALoopIsWokenByItsOwnKindWhenItsPredicatesLetIt(t *testing.T) {
	notOnes := predicate.NewPredicateFuncs(func(obj client.Object) bool { return obj.GetName() != "one" })
	own := loop.New("tester", controller{}, loop.When(notOnes)).Watches()[0]
	world := looptest.NewWorld(websiteScheme()).Client("tester")
	for name, want := range map[string]int{"one": 0, "other": 1} {
		site := &Website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
		if got, err := own.Wakes(t.Context(), world, nil, site); err != nil || len(got) != want {
			t.Errorf("%s wakes %v (%v), want %d", name, got, err, want)
		}
	}
}

func TestASourceDoesNotSayWhatItWakes(t *testing.T) {
	watch := loop.New("tester", controller{}, loop.WatchesRaw(source.Func(nil))).Watches()[1]
	if keys, err := watch.Wakes(t.Context(), nil, nil, aConfigMap("a")); watch.Object != nil || keys != nil || err != nil {
		t.Errorf("a source is shown as %+v", watch)
	}
}
