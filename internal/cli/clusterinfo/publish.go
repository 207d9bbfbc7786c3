package clusterinfo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/orrery-dev/orrery/apiserver/identity"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
)

// Publish writes both ConfigMaps, or brings them up to date. Signatures stay: who makes them sees that they are of something else.
func Publish(ctx context.Context, api kubernetes.Interface, info Info, config NodeConfig) error {
	kubeconfig, err := info.encode()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding what nodes have to know: %w", err)
	}
	if err := write(ctx, api, metav1.NamespacePublic, identity.ClusterInfo, bootstrapapi.KubeConfigKey, kubeconfig); err != nil {
		return err
	}
	return write(ctx, api, metav1.NamespaceSystem, identity.NodeConfig, configKey, string(text))
}

func write(ctx context.Context, api kubernetes.Interface, namespace, name, key, value string) error {
	wanted := applycorev1.ConfigMap(name, namespace).
		WithLabels(map[string]string{identity.ManagedBy: identity.Manager}).
		WithData(map[string]string{key: value})
	_, err := api.CoreV1().ConfigMaps(namespace).Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: identity.Manager, Force: true})
	if err != nil {
		return fmt.Errorf("writing ConfigMap %s/%s: %w", namespace, name, err)
	}
	return nil
}
