package conditionsof_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestEachKindsConditionsAreSetAndFound(t *testing.T) {
	t.Run("Deployment", setAndFound(conditionsof.Deployment))
	t.Run("ReplicaSet", setAndFound(conditionsof.ReplicaSet))
	t.Run("StatefulSet", setAndFound(conditionsof.StatefulSet))
	t.Run("DaemonSet", setAndFound(conditionsof.DaemonSet))
	t.Run("Job", setAndFound(conditionsof.Job))
	t.Run("ReplicationController", setAndFound(conditionsof.ReplicationController))
	t.Run("HorizontalPodAutoscaler", setAndFound(conditionsof.HorizontalPodAutoscaler))
	t.Run("PodDisruptionBudget", setAndFound(conditionsof.PodDisruptionBudget))
	t.Run("Pod", setAndFound(conditionsof.Pod))
	t.Run("Node", setAndFound(conditionsof.Node))
	t.Run("Namespace", setAndFound(conditionsof.Namespace))
	t.Run("PersistentVolumeClaim", setAndFound(conditionsof.PersistentVolumeClaim))
	t.Run("CertificateSigningRequest", setAndFound(conditionsof.CertificateSigningRequest))
	t.Run("Service", setAndFound(conditionsof.Service))
}

// setAndFound sets a condition, of whose parts reflection knows the places, and looks at its parts.
func setAndFound[C any, K ~string](of conditions.Of[C, K]) func(*testing.T) {
	say := func(status string) C {
		var c C
		reflect.ValueOf(&c).Elem().FieldByName("Type").SetString("Ready")
		reflect.ValueOf(&c).Elem().FieldByName("Status").SetString(status)
		return c
	}
	changed := func(c C) time.Time {
		return reflect.ValueOf(c).FieldByName("LastTransitionTime").Interface().(metav1.Time).Time
	}
	return func(t *testing.T) {
		later := gen.Now.Add(time.Minute)
		list := of.Set(of.Set(nil, say("False"), gen.Now), say("False"), later)
		if c, found := of.Find(list, "Ready"); !found || !changed(c).Equal(gen.Now) || of.True(list, "Ready") {
			t.Errorf("a condition that stays False is found %t and changed at %s, want %s", found, changed(c), gen.Now)
		}
		list = of.Set(list, say("True"), later)
		if c, _ := of.Find(list, "Ready"); len(list) != 1 || !changed(c).Equal(later) || !of.True(list, "Ready") {
			t.Errorf("a condition that became True changed at %s, want %s", changed(c), later)
		}
		if list = of.Remove(list, "Ready"); len(list) != 0 || of.True(list, "Ready") {
			t.Errorf("%d conditions are left", len(list))
		}
	}
}
