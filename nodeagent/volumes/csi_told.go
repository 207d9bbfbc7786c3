package volumes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/objects"
)

// attributeTokens is under which a driver finds tokens of the pod's service account.
const attributeTokens = "csi.storage.k8s.io/serviceAccount.tokens"

// told is what the driver is told when it publishes the volume: attributes, with those of the pod where it wants them, and secrets.
func (m *csiMount) told(ctx context.Context) (attributes, secrets map[string]string, err error) {
	if secrets, err = m.secretOf(ctx, "NodePublishSecretRef", m.publishSecret); err != nil {
		return nil, nil, err
	}
	attributes = maps.Clone(m.attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	if m.definition == nil {
		return attributes, secrets, nil
	}
	spec := &m.definition.Spec
	if spec.PodInfoOnMount != nil && *spec.PodInfoOnMount {
		maps.Copy(attributes, podInfo(m.pod, m.inline))
	}
	if m.use.Block || len(spec.TokenRequests) == 0 {
		return attributes, secrets, nil
	}
	tokens, err := m.tokensFor(ctx, m.pod, spec.TokenRequests)
	if err != nil {
		return nil, nil, err
	}
	if spec.ServiceAccountTokenInSecrets != nil && *spec.ServiceAccountTokenInSecrets {
		secrets[attributeTokens] = tokens
	} else {
		attributes[attributeTokens] = tokens
	}
	return attributes, secrets, nil
}

// podInfo is what a driver is told of a pod.
func podInfo(pod *corev1.Pod, inline bool) map[string]string {
	return map[string]string{
		"csi.storage.k8s.io/pod.name":            pod.Name,
		"csi.storage.k8s.io/pod.namespace":       pod.Namespace,
		"csi.storage.k8s.io/pod.uid":             string(pod.UID),
		"csi.storage.k8s.io/serviceAccount.name": objects.AccountName(pod),
		"csi.storage.k8s.io/ephemeral":           strconv.FormatBool(inline),
	}
}

// tokensFor are the tokens that a driver asks for, in JSON by their audiences.
func (m *Manager) tokensFor(ctx context.Context, pod *corev1.Pod, requests []storagev1.TokenRequest) (string, error) {
	tokens := map[string]authenticationv1.TokenRequestStatus{}
	for _, request := range requests {
		expiration := defaultExpiration
		if request.ExpirationSeconds != nil {
			expiration = time.Duration(*request.ExpirationSeconds) * time.Second
		}
		token, err := m.issue(ctx, pod, request.Audience, expiration)
		if err != nil {
			return "", err
		}
		tokens[request.Audience] = authenticationv1.TokenRequestStatus{Token: token.Value, ExpirationTimestamp: metav1.NewTime(token.Expires)}
	}
	text, err := json.Marshal(tokens)
	if err != nil {
		return "", fmt.Errorf("encoding tokens: %w", err)
	}
	return string(text), nil
}

// secretOf reads a secret that a volume names by a field; without one it is empty.
func (m *Manager) secretOf(ctx context.Context, field string, ref *corev1.SecretReference) (map[string]string, error) {
	values := map[string]string{}
	if ref == nil {
		return values, nil
	}
	secret, err := m.options.Source.Secret(ctx, ref.Namespace, ref.Name)
	if err != nil {
		return nil, fmt.Errorf("fetching %s %s/%s failed: %w", field, ref.Namespace, ref.Name, err)
	}
	for key, value := range secret.Data {
		values[key] = string(value)
	}
	return values, nil
}
