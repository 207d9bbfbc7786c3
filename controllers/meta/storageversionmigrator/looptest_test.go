package storageversionmigrator

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestMigrationsComeToAnEnd lets random migrations come and go while objects change, under both namings: of a resource one runs at a time,
// objects stay what they are, and in the end each has succeeded, or failed where there is no such resource.
func TestMigrationsComeToAnEnd(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:       scheme,
			Loops:        []loop.Loop{Loop(server)},
			CurrentLists: true,
			Start:        someMigrations,
			Change:       change,
			Invariants:   []looptest.Invariant{oneAtATime, nothingChanges},
			Converged:    allAreOver,
		})
	})
}

// server is one that has ConfigMaps, widgets, and what nobody can write.
var server = kinds.Source{Discovery: discovered{
	{GroupVersion: "v1", APIResources: []metav1.APIResource{
		{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: metav1.Verbs{"list", "patch", "update"}},
		{Name: "componentstatuses", Kind: "ComponentStatus", Verbs: metav1.Verbs{"list"}},
	}},
	{GroupVersion: "example.com/v2", APIResources: []metav1.APIResource{
		{Name: "widgets", Kind: "Widget", Namespaced: true, Verbs: metav1.Verbs{"list", "patch", "update"}},
	}},
}}

type discovered []*metav1.APIResourceList

func (d discovered) ServerPreferredResourcesWithContext(context.Context) ([]*metav1.APIResourceList, error) {
	return d, nil
}

// resources are two that can be migrated, one that cannot, and one that there is none of.
var resources = []metav1.GroupResource{
	{Resource: "configmaps"}, {Group: "example.com", Resource: "widgets"}, {Resource: "componentstatuses"}, {Group: "example.com", Resource: "gone"},
}

func migrationOf(name string, resource metav1.GroupResource) *migration {
	return &migration{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(looptest.Begin), Generation: 1},
		Spec:       storagemigrationv1.StorageVersionMigrationSpec{Resource: resource},
	}
}

func widget(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"size": "big"}}}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: "example.com", Version: "v2", Kind: "Widget"})
	object.SetNamespace("default")
	object.SetName(name)
	return object
}

// widgets is the definition of widgets, of which there may be some in the version v1.
func widgets() *unstructured.Unstructured {
	definition := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"versions": []any{
			map[string]any{"name": "v1", "storage": false}, map[string]any{"name": "v2", "storage": true},
		}},
		"status": map[string]any{
			"storedVersions": []any{"v1", "v2"},
			"conditions":     []any{map[string]any{"type": "Established", "status": "True"}},
		},
	}}
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	definition.SetName("widgets.example.com")
	definition.SetGeneration(1)
	return definition
}

func someMigrations(t *rapid.T) []client.Object {
	objs := []client.Object{widgets(), widget("w")}
	for i := range 3 {
		objs = append(objs, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("c", i)}})
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "migrations") {
		objs = append(objs, migrationOf(fmt.Sprint("m", i), rapid.SampledFrom(resources).Draw(t, "resource")))
	}
	return objs
}

func change(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	migrations, maps := looptest.All[*migration](w), looptest.All[*corev1.ConfigMap](w)
	var err error
	switch what := rapid.IntRange(0, 3).Draw(t, "what"); {
	case what == 0 && len(migrations) < 5:
		m := migrationOf(fmt.Sprint("later-", rapid.IntRange(0, 3).Draw(t, "name")), rapid.SampledFrom(resources).Draw(t, "resource"))
		err = user.Create(context.Background(), m)
	case what == 1 && len(migrations) > 0:
		err = user.Delete(context.Background(), migrations[rapid.IntRange(0, len(migrations)-1).Draw(t, "migration")].DeepCopy())
	case what == 2 && len(maps) > 0:
		looptest.Edit(w, "user", maps[0], func(c *corev1.ConfigMap) { c.Data = map[string]string{"at": rapid.String().Draw(t, "data")} })
	case what == 3 && len(maps) > 1:
		err = user.Delete(context.Background(), maps[len(maps)-1].DeepCopy())
	}
	if client.IgnoreAlreadyExists(client.IgnoreNotFound(err)) != nil {
		t.Fatal(err)
	}
}

func oneAtATime(w *looptest.World, _ looptest.Write) error {
	runs := map[metav1.GroupResource]string{}
	for _, m := range looptest.All[*migration](w) {
		if !is(m, storagemigrationv1.MigrationRunning) || ended(m) {
			continue
		}
		if other := runs[m.Spec.Resource]; other != "" {
			return fmt.Errorf("%s and %s run at once", other, m.Name)
		}
		runs[m.Spec.Resource] = m.Name
	}
	return nil
}

func nothingChanges(_ *looptest.World, wrote looptest.Write) error {
	before, ok := wrote.Before.(*corev1.ConfigMap)
	if !ok || wrote.By != "storage-version-migrator-controller" {
		return nil
	}
	after, ok := wrote.After.(*corev1.ConfigMap)
	if !ok || !equality.Semantic.DeepEqual(before.Data, after.Data) {
		return fmt.Errorf("ConfigMap %s is changed by being migrated", before.Name)
	}
	return nil
}

func allAreOver(w *looptest.World) error {
	var wrong []error
	migrated := false
	for _, m := range looptest.All[*migration](w) {
		can := m.Spec.Resource == resources[0] || m.Spec.Resource == resources[1]
		if is(m, storagemigrationv1.MigrationRunning) || is(m, storagemigrationv1.MigrationSucceeded) != can || is(m, storagemigrationv1.MigrationFailed) == can {
			wrong = append(wrong, fmt.Errorf("migration %s of %s has the conditions %v", m.Name, m.Spec.Resource, m.Status.Conditions))
		}
		migrated = migrated || m.Spec.Resource == resources[1]
	}
	definition := widgets()
	if err := w.Client("test").Get(context.Background(), client.ObjectKeyFromObject(definition), definition); err != nil {
		return err
	}
	stored, _, _ := unstructured.NestedStringSlice(definition.Object, "status", "storedVersions")
	if migrated && (len(stored) != 1 || stored[0] != "v2") {
		wrong = append(wrong, fmt.Errorf("widgets have been migrated, and may be stored in %v", stored))
	}
	return errors.Join(wrong...)
}
