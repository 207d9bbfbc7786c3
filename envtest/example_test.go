package envtest_test

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/envtest"
)

// A Job whose pod runs for half a minute is gone ten minutes later, which takes a moment.
func ExampleEnvironment_Advance() {
	te := &envtest.Environment{Controllers: true, Scheduler: true, SimulatedNodes: 1, Clock: envtest.NewClock(time.Time{})}
	config, err := te.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = te.Stop() }() // a test would say what went wrong
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	jobs := kubernetes.NewForConfigOrDie(config).BatchV1().Jobs("default")
	look := func(when string, waited error) {
		list, err := jobs.List(ctx, metav1.ListOptions{})
		switch {
		case waited != nil || err != nil:
			fmt.Println(waited, err)
		case len(list.Items) == 0:
			fmt.Println(when, "it is gone")
		default:
			fmt.Println(when, "it has", list.Items[0].Status.Active, "pods at work, and", list.Items[0].Status.Succeeded, "that have succeeded")
		}
	}

	look("before,", te.Settle(ctx)) // the namespace has its ServiceAccount now
	_, err = jobs.Create(ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "pi"},
		Spec: batchv1.JobSpec{
			TTLSecondsAfterFinished: ptr.To[int32](600),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"simulated.orrery.dev/run-for": "30s"}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "pi", Image: "perl"}},
				},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	look("at first", te.Settle(ctx))
	look("after a minute", te.Advance(ctx, time.Minute))
	look("after eleven minutes", te.Advance(ctx, 10*time.Minute))
	// Output:
	// before, it is gone
	// at first it has 1 pods at work, and 0 that have succeeded
	// after a minute it has 0 pods at work, and 1 that have succeeded
	// after eleven minutes it is gone
}
