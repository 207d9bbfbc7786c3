package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/envtest/rbac"
	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// On an API server the loop does its work with the rights that its markers ask for, and uses all of them.
func TestItsMarkersAreWhatTheLoopNeeds(t *testing.T) {
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../config/crd/bases"}, ErrorIfCRDPathMissing: true}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	run(t, env)

	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), housekeepingv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	user, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	history := keeping(1, 0)
	if err := user.Create(t.Context(), history); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		succeed(t, user, fmt.Sprintf("job-%d", i))
	}
	ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
	defer stop()
	if err := env.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	var left batchv1.JobList
	if err := user.List(t.Context(), &left, client.InNamespace(history.Namespace)); err != nil {
		t.Fatal(err)
	}
	if err := user.Get(t.Context(), client.ObjectKeyFromObject(history), history); err != nil {
		t.Fatal(err)
	}
	if len(left.Items) != 1 || history.Status.Kept != 1 {
		t.Errorf("%d Jobs are left, and %d are reported; want one", len(left.Items), history.Status.Kept)
	}
}

// run runs the loop in a manager with no rights but those of the markers in this folder, until the test is over.
func run(t *testing.T, env *envtest.Environment) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(apis.AddToScheme(scheme, apis.Kubernetes), housekeepingv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	mgr, err := env.NewManagerFor(env.Prove(t, rbac.Options{Roles: []string{"."}, Unused: rbac.Loops()}), manager.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	if err := Loop().AddTo(mgr, env.LoopOptions()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("running the manager: %v", err)
		}
	})
	<-mgr.Elected()
}

// succeed makes a Job that has succeeded: nobody runs one here.
func succeed(t *testing.T, user client.Client, name string) {
	t.Helper()
	job := (*batchv1.Job)(done(name))
	job.Status, job.UID = batchv1.JobStatus{}, ""
	job.CreationTimestamp = metav1.Time{}
	job.Spec.Template.Spec = corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "job", Image: "job"}}}
	if err := user.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	at := metav1.NewTime(time.Now().Truncate(time.Second))
	job.Status = batchv1.JobStatus{StartTime: &at, CompletionTime: &at, Succeeded: 1, Conditions: []batchv1.JobCondition{
		{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue},
	}}
	if err := user.Status().Update(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}
