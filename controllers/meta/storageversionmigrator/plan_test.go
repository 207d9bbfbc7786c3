package storageversionmigrator

import (
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
)

func TestPlan(t *testing.T) {
	at := `"lastTransitionTime":"2030-01-02T03:04:05Z",`
	can := &kinds.Kind{GroupVersionKind: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, Resource: "configmaps", Verbs: sets.New(verbs...)}
	cannot := &kinds.Kind{GroupVersionKind: can.GroupVersionKind, Resource: "configmaps", Verbs: sets.New("list")}
	runs := m("a", running(message(0, 0, nil)))
	told := m("a", running(message(0, 0, nil)))
	told.Status.ResourceVersion = "41"
	young := m("a", running(message(0, 0, nil)))
	young.CreationTimestamp = gen.Ago(55 * time.Second)
	marked := migrating(widgets(), m("a"), gen.Now)
	changed := migrating(widgets(), m("a"), gen.Now)
	changed.SetGeneration(2)
	for _, test := range []struct {
		name  string
		world world
		want  string
	}{
		{"begins with what has waited longest", world{waiting: []*migration{m("a"), m("b")}},
			`status StorageVersionMigration a {"status":{"conditions":[{` + at + `"message":"The migration is running","reason":"MigrationRunning","status":"True","type":"Running"}]}}`},
		{"marks a definition before its objects are migrated", world{waiting: []*migration{m("a")}, definition: widgets()},
			`status CustomResourceDefinition widgets.example.com {"status":{"conditions":[{"status":"True","type":"Established"},{` + at + `"message":"Migration a is running","observedGeneration":1,"reason":"MigrationRunning","status":"True","type":"StorageMigrating"}]}}` + "\n" +
				`status StorageVersionMigration a {"status":{"conditions":[{` + at + `"message":"The migration is running","reason":"MigrationRunning","status":"True","type":"Running"}]}}`},
		{"begins nothing while another one runs", world{running: []*migration{told}, waiting: []*migration{m("b")}, kind: can},
			"write configmaps anew that are not newer than 41: StorageVersionMigration a asks for it"},
		{"says how far the resource is", world{running: []*migration{runs}, kind: can, latest: "41"},
			`status StorageVersionMigration a {"status":{"resourceVersion":"41"}}`},
		{"fails what the server cannot write", world{running: []*migration{runs}, kind: cannot},
			failing(`resource \"/v1, Resource=configmaps\" does not support discovery operations: [update patch list]`)},
		{"fails what has no versions to compare", world{running: []*migration{runs}, kind: can, latest: "yesterday"},
			failing(`latest resourceVersion for /v1, Resource=configmaps is not valid: \"yesterday\"`)},
		{"waits for a resource", world{resource: schema.GroupResource{Resource: "gone"}, running: []*migration{young}},
			"nothing to do\nlook again in 5s: the API server has no resource gone yet"},
		{"fails without one after a minute", world{running: []*migration{runs}}, failing("resource does not exist in discovery")},
		{"ends what is over", world{over: []*migration{m("a", running("r"), succeeded())}},
			`status StorageVersionMigration a {"status":{"conditions":[{` + at + `"message":"Migration completed","observedGeneration":1,"reason":"MigrationCompleted","status":"False","type":"Running"},{` + at + `"message":"Migration completed","reason":"StorageVersionMigrationSucceeded","status":"True","type":"Succeeded"}]}}`},
		{"says what a definition is stored in", world{over: []*migration{m("a", succeeded())}, definition: marked},
			`"message":"The migration has succeeded and the stored versions have been updated","observedGeneration":1,"reason":"MigrationSucceeded","status":"False","type":"StorageMigrating"}],"storedVersions":["v2"]}}`},
		{"does not where the definition has changed", world{over: []*migration{m("a", succeeded())}, definition: changed},
			`"message":"The migration has succeeded but the stored versions have not been updated due to a generation mismatch","observedGeneration":2,"reason":"MigrationSucceeded","status":"False","type":"StorageMigrating"}]}}`},
		{"does not where the migration has failed", world{over: []*migration{m("a", failed("f"))}, definition: marked},
			`"message":"The migration has failed","observedGeneration":1,"reason":"MigrationFailed","status":"False","type":"StorageMigrating"}]}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := (Controller{}).Plan(keyOf(m("a")), test.world, gen.Now).String()
			if !strings.Contains(got, test.want) || !strings.HasPrefix(test.want, `"`) && got != test.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// failing is the plan that a migration which runs has failed.
func failing(message string) string {
	const at = `"lastTransitionTime":"2030-01-02T03:04:05Z",`
	return `status StorageVersionMigration a {"status":{"conditions":[{` + at + `"message":"The migration is running","reason":"MigrationRunning","status":"True","type":"Running"},{` +
		at + `"message":"` + message + `","reason":"StorageVersionMigrationFailed","status":"True","type":"Failed"}]}}`
}

// m is a migration of ConfigMaps that was made an hour ago, with conditions.
func m(name string, conditions ...metav1.Condition) *migration {
	m := migrationOf(name, resources[0])
	m.CreationTimestamp = gen.Ago(time.Hour)
	return with(m, gen.Now, conditions...)
}

func TestASecondMigrationOfADefinitionTakesThePlaceOfTheFirst(t *testing.T) {
	first := migrated(migrating(widgets(), m("a"), gen.Now), true, gen.Now)
	second := migrating(first, m("b"), gen.Now)
	all, _, _ := unstructured.NestedSlice(second.Object, "status", "conditions")
	if condition, _, _ := conditionOf(second); len(all) != 2 || condition["message"] != "Migration b is running" {
		t.Errorf("the conditions are %v", all)
	}
	if stored, _, _ := unstructured.NestedStringSlice(second.Object, "status", "storedVersions"); len(stored) != 1 {
		t.Errorf("the stored versions are %v", stored)
	}
}
