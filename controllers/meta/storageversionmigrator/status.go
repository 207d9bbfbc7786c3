package storageversionmigrator

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/conditions"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func is(m *migration, kind storagemigrationv1.MigrationConditionType) bool {
	return conditions.Meta.True(m.Status.Conditions, string(kind))
}

// ended reports that a migration has succeeded or failed.
func ended(m *migration) bool {
	return is(m, storagemigrationv1.MigrationSucceeded) || is(m, storagemigrationv1.MigrationFailed)
}

// with is a migration with conditions.
func with(m *migration, now time.Time, set ...metav1.Condition) *migration {
	m = m.DeepCopy()
	for _, condition := range set {
		m.Status.Conditions = conditions.Meta.Set(m.Status.Conditions, condition, now)
	}
	return m
}

func running(message string) metav1.Condition {
	return metav1.Condition{
		Type: string(storagemigrationv1.MigrationRunning), Status: metav1.ConditionTrue, Reason: "MigrationRunning", Message: message,
	}
}

// completed is that a migration which has ended does not run any more, however it ended.
func completed(m *migration) metav1.Condition {
	return metav1.Condition{
		Type: string(storagemigrationv1.MigrationRunning), Status: metav1.ConditionFalse, ObservedGeneration: m.Generation,
		Reason: "MigrationCompleted", Message: "Migration completed",
	}
}

func succeeded() metav1.Condition {
	return metav1.Condition{
		Type: string(storagemigrationv1.MigrationSucceeded), Status: metav1.ConditionTrue,
		Reason: "StorageVersionMigrationSucceeded", Message: "Migration completed",
	}
}

func failed(message string) metav1.Condition {
	return metav1.Condition{
		Type: string(storagemigrationv1.MigrationFailed), Status: metav1.ConditionTrue,
		Reason: "StorageVersionMigrationFailed", Message: message,
	}
}

// message says how far a migration is: how many objects are left of how many, and what is in the way.
func message(left, total int, inTheWay error) string {
	said := "The migration is running"
	switch {
	case total > 0 && left > 0:
		said += fmt.Sprintf(", %d/%d objects not yet migrated", left, total)
	case total > 0:
		said += fmt.Sprintf(", %d objects verified migrated", total)
	}
	if inTheWay != nil {
		said += fmt.Sprintf("; transient error: %s", inTheWay)
	}
	return said
}
