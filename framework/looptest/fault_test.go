package looptest

import (
	"context"
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestFaults(t *testing.T) {
	crashed := func(err error) bool { return errors.Is(err, errCrashed) }
	for _, tt := range []struct {
		fault     Fault
		is        func(error) bool // what the writer gets to hear
		survives  bool             // whether the writer can go on
		remaining []string
	}{
		{fault: Conflict, is: apierrors.IsConflict, survives: true, remaining: []string{"first", "third"}},
		{fault: Throttled, is: apierrors.IsTooManyRequests, survives: true, remaining: []string{"first", "third"}},
		{fault: Failed, is: apierrors.IsInternalError, survives: true, remaining: []string{"first", "third"}},
		{fault: Late, is: apierrors.IsTimeout, survives: true, remaining: []string{"first", "second", "third"}},
		{fault: CrashBefore, is: crashed, remaining: []string{"first"}},
		{fault: CrashAfter, is: crashed, remaining: []string{"first", "second"}},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := corev1.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			w := NewWorld(scheme)
			c := &worldClient{reader: reader{world: w}, by: "tester", line: &line{
				fault: tt.fault,
				after: 1,
				note:  func(string, ...any) {},
			}}
			var errs []error
			for _, name := range []string{"first", "second", "third"} {
				obj := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
				errs = append(errs, c.Create(context.Background(), obj))
			}
			if errs[0] != nil || !tt.is(errs[1]) || (errs[2] == nil) != tt.survives {
				t.Errorf("three writes end with %v", errs)
			}
			var names []string
			for _, c := range All[*corev1.ConfigMap](w) {
				names = append(names, c.Name)
			}
			if !slices.Equal(names, tt.remaining) {
				t.Errorf("there are %v, want %v", names, tt.remaining)
			}
		})
	}
}

func TestFaultsOfReads(t *testing.T) {
	pods, nodes := corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithKind("Node")
	for fault, is := range map[Fault]func(error) bool{Unreadable: apierrors.IsInternalError, Unanswered: apierrors.IsTimeout, Hidden: apierrors.IsForbidden} {
		t.Run(string(fault), func(t *testing.T) {
			once := &line{fault: fault, after: 1, note: func(string, ...any) {}}
			if first, second, third := once.reads("tester", pods), once.reads("tester", nodes), once.reads("tester", nodes); first != nil || !is(second) || third != nil {
				t.Errorf("three reads end with %v, %v and %v, want only the second to fail", first, second, third)
			}
			if err := once.there("tester", "create", &corev1.Pod{}); err != nil {
				t.Errorf("a write ends with %v", err)
			}

			out := &line{outage: outage{pods, fault}}
			for range 2 {
				if pod, node := out.reads("tester", pods), out.reads("tester", nodes); !is(pod) || node != nil {
					t.Errorf("reads of a Pod and a Node end with %v and %v, want the first to fail", pod, node)
				}
			}
		})
	}
	if err := (&line{crashed: true}).reads("tester", pods); !errors.Is(err, errCrashed) {
		t.Errorf("who has crashed reads %v", err)
	}
}
