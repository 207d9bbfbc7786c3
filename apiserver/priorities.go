package apiserver

import (
	"context"
	"fmt"

	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedschedulingv1 "k8s.io/client-go/kubernetes/typed/scheduling/v1"
	"k8s.io/client-go/rest"
	schedulinghelper "k8s.io/kubernetes/pkg/apis/scheduling/v1"
)

// ensurePriorityClasses creates the two classes that Kubernetes keeps for its own pods, where they are missing.
func ensurePriorityClasses(ctx context.Context, config *rest.Config) error {
	client, err := typedschedulingv1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client for priority classes: %w", err)
	}
	return each(ctx, schedulinghelper.SystemPriorityClasses(), func(ctx context.Context, class **schedulingv1.PriorityClass) error {
		return retryTransient("PriorityClass "+(*class).Name, func() error {
			_, err := client.PriorityClasses().Create(ctx, *class, metav1.CreateOptions{})
			if apierrors.IsAlreadyExists(err) {
				return nil
			}
			return err
		})
	})
}
