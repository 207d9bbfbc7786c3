package legacytokencleaner

import (
	"context"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what there is to know of a token.
type world struct {
	// tracked is since when the API server has noted who uses tokens; zero if it does not say.
	tracked time.Time
	// automatic says that its ServiceAccount lists it, as one that was made for it by itself.
	automatic bool
	// pod is one that refers to it; empty if none does.
	pod string
}

// tracking is where the API server says since when it has noted who uses tokens.
var tracking = client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: "kube-apiserver-legacy-service-account-token-tracking"}

// Observe reads whose token a Secret holds, and who uses it.
func (Controller) Observe(ctx context.Context, view loop.View, secret *corev1.Secret) (w world, err error) {
	if !holdsToken(secret) {
		return world{}, nil
	}
	if w.tracked, err = trackedSince(ctx, view); err != nil {
		return world{}, err
	}
	if w.automatic, err = automatic(ctx, view, secret); err != nil {
		return world{}, err
	}
	w.pod, err = userOf(ctx, view, secret)
	return w, err
}

// trackedSince is the beginning of the first day of which the API server has noted all; zero if it does not say.
func trackedSince(ctx context.Context, read client.Reader) (time.Time, error) {
	said := &corev1.ConfigMap{}
	if err := read.Get(ctx, tracking, said); err != nil {
		if apierrors.IsNotFound(err) {
			return time.Time{}, nil
		}
		return time.Time{}, fmt.Errorf("reading since when the use of tokens is noted: %w", err)
	}
	day, ok := dayOf(said.Data["since"])
	if !ok {
		return time.Time{}, nil
	}
	return day.AddDate(0, 0, 1), nil
}

// automatic reports that the ServiceAccount of a token lists it.
func automatic(ctx context.Context, read client.Reader, secret *corev1.Secret) (bool, error) {
	account := &corev1.ServiceAccount{}
	key := client.ObjectKey{Namespace: secret.Namespace, Name: secret.Annotations[corev1.ServiceAccountNameKey]}
	if key.Name == "" {
		return false, nil
	}
	if err := read.Get(ctx, key, account); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading ServiceAccount %s: %w", key, err)
	}
	if uid := types.UID(secret.Annotations[corev1.ServiceAccountUIDKey]); uid != "" && uid != account.UID {
		return false, nil
	}
	return slices.ContainsFunc(account.Secrets, func(listed corev1.ObjectReference) bool { return listed.Name == secret.Name }), nil
}

// userOf is a pod that refers to a Secret; empty if none does.
func userOf(ctx context.Context, read client.Reader, secret *corev1.Secret) (string, error) {
	var pods ocorev1.PodList
	if err := read.List(ctx, &pods, client.InNamespace(secret.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return "", fmt.Errorf("listing the pods of namespace %s: %w", secret.Namespace, err)
	}
	for i := range pods.Items {
		if slices.Contains(secretsOf(&pods.Items[i].Spec), secret.Name) {
			return pods.Items[i].Name, nil
		}
	}
	return "", nil
}
