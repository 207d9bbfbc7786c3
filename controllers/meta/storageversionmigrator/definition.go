package storageversionmigrator

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// storageMigrating is the condition of a CustomResourceDefinition while its objects are migrated.
const storageMigrating = "StorageMigrating"

// migrating is a definition whose objects begin to be migrated.
func migrating(definition *unstructured.Unstructured, m *migration, now time.Time) *unstructured.Unstructured {
	return marked(definition, now, metav1.ConditionTrue, "MigrationRunning", fmt.Sprintf("Migration %s is running", m.Name))
}

// migrated is a definition whose objects have been migrated, or could not be. What they are stored in is known when the definition has
// not changed since they began to be.
func migrated(definition *unstructured.Unstructured, success bool, now time.Time) *unstructured.Unstructured {
	if !success {
		return marked(definition, now, metav1.ConditionFalse, "MigrationFailed", "The migration has failed")
	}
	began, _, found := conditionOf(definition)
	unchanged := found && number(began["observedGeneration"]) == definition.GetGeneration()
	said := "The migration has succeeded but the stored versions have not been updated due to a generation mismatch"
	if unchanged {
		said = "The migration has succeeded and the stored versions have been updated"
	}
	after := marked(definition, now, metav1.ConditionFalse, "MigrationSucceeded", said)
	if stored := storageVersion(definition); unchanged && stored != "" {
		set(after, []any{stored}, "status", "storedVersions")
	}
	return after
}

// marked is a definition with the condition.
func marked(definition *unstructured.Unstructured, now time.Time, status metav1.ConditionStatus, reason, message string) *unstructured.Unstructured {
	after := definition.DeepCopy()
	condition := map[string]any{
		"type": storageMigrating, "status": string(status), "reason": reason, "message": message,
		"observedGeneration": definition.GetGeneration(), "lastTransitionTime": now.UTC().Format(time.RFC3339),
	}
	before, at, found := conditionOf(definition)
	all, _, _ := unstructured.NestedSlice(after.Object, "status", "conditions")
	switch {
	case !found:
		all = append(all, condition)
	default:
		if before["status"] == condition["status"] {
			condition["lastTransitionTime"] = before["lastTransitionTime"]
		}
		all[at] = condition
	}
	set(after, all, "status", "conditions")
	return after
}

// conditionOf is the condition of a definition, and where it stands.
func conditionOf(definition *unstructured.Unstructured) (condition map[string]any, at int, found bool) {
	all, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
	for i := range all {
		if condition, ok := all[i].(map[string]any); ok && condition["type"] == storageMigrating {
			return condition, i, true
		}
	}
	return nil, 0, false
}

// storageVersion is the version that objects are stored in.
func storageVersion(definition *unstructured.Unstructured) string {
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	for _, version := range versions {
		if version, ok := version.(map[string]any); ok && version["storage"] == true {
			name, _ := version["name"].(string)
			return name
		}
	}
	return ""
}

func number(value any) int64 {
	n, _ := value.(int64)
	return n
}

// set sets a field of an object that is made of maps all the way.
func set(object *unstructured.Unstructured, value []any, fields ...string) {
	if err := unstructured.SetNestedSlice(object.Object, value, fields...); err != nil {
		panic(err) // the status of a definition is an object
	}
}
