package volumes

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/objects"
)

const (
	defaultExpiration = time.Hour
	// oldest is how long a token is used at most, however long it lasts; upstream's figure.
	oldest = 24 * time.Hour
)

// tokens keeps those that were issued, until it is time for others.
type tokens struct {
	mu   sync.Mutex
	kept map[string]*issued
}

type issued struct {
	objects.Token
	at time.Time
}

// Renew says whether a token is to be replaced: when four fifths of its life, or a day, are over.
func Renew(issuedAt, expires, now time.Time) bool {
	life := expires.Sub(issuedAt)
	return now.After(issuedAt.Add(life*4/5)) || now.After(issuedAt.Add(oldest))
}

// token returns the file of a token, which is requested anew when it is due. One that cannot be renewed is used to its end.
func (m *Manager) token(ctx context.Context, pod *corev1.Pod, source *corev1.ServiceAccountTokenProjection, mode int32) (map[string]File, error) {
	expiration := defaultExpiration
	if source.ExpirationSeconds != nil {
		expiration = time.Duration(*source.ExpirationSeconds) * time.Second
	}
	token, err := m.issue(ctx, pod, source.Audience, expiration)
	if err != nil {
		return nil, err
	}
	return map[string]File{source.Path: ownedByPod(pod, []byte(token.Value), mode)}, nil
}

// ownedByPod is a file of the user that the pod runs as. Where that, or a group, is known, others need not read it.
func ownedByPod(pod *corev1.Pod, data []byte, mode int32) File {
	file := File{Data: data, Mode: mode, Owner: onlyUser(pod)}
	if file.Owner != nil || fsGroup(pod) != nil {
		file.Mode = 0o600
	}
	return file
}

// issue returns a token that lasts: the one that was issued before, or another one where that is due.
func (m *Manager) issue(ctx context.Context, pod *corev1.Pod, audience string, expiration time.Duration) (objects.Token, error) {
	key := fmt.Sprintf("%s/%s/%s", pod.UID, audience, expiration)
	now := m.options.Clock.Now()
	m.tokens.mu.Lock()
	old := m.tokens.kept[key]
	m.tokens.mu.Unlock()
	if old != nil && !Renew(old.at, old.Expires, now) {
		return old.Token, nil
	}
	token, err := m.options.Tokens.Request(ctx, pod, audience, expiration)
	if err != nil {
		if old != nil && now.Before(old.Expires) {
			return old.Token, nil
		}
		return objects.Token{}, err
	}
	m.tokens.mu.Lock()
	defer m.tokens.mu.Unlock()
	m.tokens.kept[key] = &issued{Token: token, at: now}
	return token, nil
}

// forget drops the tokens of the pod whose directory this is; it is named after the pod's UID.
func (t *tokens) forget(dir string) {
	uid := dir[strings.LastIndex(dir, "/")+1:]
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.kept {
		if strings.HasPrefix(key, uid+"/") {
			delete(t.kept, key)
		}
	}
}

// onlyUser is the user that all containers of the pod run as, if the spec says so.
func onlyUser(pod *corev1.Pod) *int64 {
	var inherited, only *int64
	if pod.Spec.SecurityContext != nil {
		inherited = pod.Spec.SecurityContext.RunAsUser
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			user := inherited
			if list[i].SecurityContext != nil && list[i].SecurityContext.RunAsUser != nil {
				user = list[i].SecurityContext.RunAsUser
			}
			if user == nil || only != nil && *only != *user {
				return nil
			}
			only = user
		}
	}
	return only
}
