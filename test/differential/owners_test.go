package differential

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownersSubject is garbage collection: ConfigMaps that own each other.
var ownersSubject = subject{
	name: "Owners",
	start: func(s *scenario) {
		for i := range 3 + s.IntN(5) {
			s.addOwned(i)
		}
	},
	moves: []move{
		{4, deletesMap(metav1.DeletePropagationBackground)},
		{4, deletesMap(metav1.DeletePropagationForeground)},
		{3, deletesMap(metav1.DeletePropagationOrphan)},
		{4, func(s *scenario) bool {
			for i := range 12 {
				if s.now.objects[mapKey(i)] == nil {
					s.addOwned(i)
					return true
				}
			}
			return false
		}},
		{3, func(s *scenario) bool {
			key := s.some(s.keys("ConfigMap", nil))
			if key == "" {
				return false
			}
			s.do(key+" is kept, or let go", edits(key, func(m *corev1.ConfigMap) {
				const keep = "example.org/keep"
				if len(m.Finalizers) > 0 && m.Finalizers[0] == keep {
					m.Finalizers = m.Finalizers[1:]
				} else if m.DeletionTimestamp == nil {
					m.Finalizers = append([]string{keep}, m.Finalizers...)
				}
			}))
			return true
		}},
		{1, func(s *scenario) bool {
			key := s.some(s.keys("ConfigMap", nil))
			if key == "" {
				return false
			}
			s.do(key+" belongs to nobody", edits(key, func(m *corev1.ConfigMap) { m.OwnerReferences = nil }))
			return true
		}},
		{1, restarts},
	},
	finish: func(s *scenario) {
		if s.now.objects[mapKey(0)] == nil {
			s.addOwned(0)
		}
	},
}

func mapKey(i int) string { return fmt.Sprintf("ConfigMap/map%d", i) }

// addOwned adds a ConfigMap that some of those that are there own, or somebody who is not there.
func (s *scenario) addOwned(i int) {
	what := mapKey(i) + " is created"
	var owners []string
	blocking := s.chance(60)
	if s.now != nil {
		for _, key := range s.keys("ConfigMap", nil) {
			if s.chance(35) {
				owners = append(owners, key)
				what += ", of " + key
			}
		}
	}
	lost := s.chance(10)
	if lost {
		what += ", of somebody who is gone"
	}
	if blocking {
		what += ", blocking"
	}
	s.do(what, func(ctx context.Context, c client.Client, st *state) error {
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("map%d", i), Namespace: s.namespace}}
		for _, key := range owners {
			owner := st.objects[key]
			m.OwnerReferences = append(m.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.GetName(), UID: owner.GetUID(), BlockOwnerDeletion: &blocking})
		}
		if lost {
			m.OwnerReferences = append(m.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: "00000000-0000-0000-0000-000000000001"})
		}
		return c.Create(ctx, m)
	})
}

func deletesMap(how metav1.DeletionPropagation) func(*scenario) bool {
	return func(s *scenario) bool {
		key := s.some(s.keys("ConfigMap", func(obj client.Object) bool { return obj.GetDeletionTimestamp() == nil }))
		if key == "" {
			return false
		}
		before := len(s.now.objects)
		s.do(fmt.Sprintf("%s is deleted, %s", key, how), deletes(key, how))
		collected := how != metav1.DeletePropagationBackground && s.now.objects[key] == nil // a finalizer has been taken off
		s.worked = s.worked || collected || len(s.now.objects) < before-1
		return true
	}
}

// namespaceSubject is what becomes of a namespace that is deleted.
var namespaceSubject = subject{
	name: "Namespace",
	start: func(s *scenario) {
		deploymentSubject.start(s)
		for i := range s.IntN(4) {
			s.addOwned(i)
		}
		if s.chance(50) {
			s.goOn()
		}
		if s.chance(40) {
			if key := s.some(s.keys("ConfigMap", nil)); key != "" {
				s.do(key+" is kept", edits(key, func(m *corev1.ConfigMap) { m.Finalizers = append(m.Finalizers, "example.org/keep") }))
			}
		}
		s.shown.itself = true
		s.do("the namespace is deleted", func(ctx context.Context, c client.Client, _ *state) error {
			return c.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}})
		})
	},
	moves: []move{
		{5, happensToAll(goes)},
		{2, happens(goes)},
		{1, restarts},
		{2, func(s *scenario) bool {
			key := s.some(s.keys("ConfigMap", func(obj client.Object) bool { return len(obj.GetFinalizers()) > 0 }))
			if key == "" {
				return false
			}
			s.do(key+" is let go", edits(key, func(m *corev1.ConfigMap) { m.Finalizers = nil }))
			return true
		}},
	},
}
