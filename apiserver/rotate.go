package apiserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server/options/encryptionconfig"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"

	"github.com/orrery-dev/orrery/apiserver/encryption"
)

const (
	// reloadTimeout is how long a server may take to take up a new encryption configuration.
	reloadTimeout = 30 * time.Second
	reloadPoll    = 100 * time.Millisecond
	// loadedConfiguration is the metric by which a server tells which configuration it has.
	loadedConfiguration = "apiserver_encryption_config_controller_last_config_info{"
)

// RotateKey gives the running server that config leads to, and that encrypts Secrets by the configuration in file (see
// [EncryptionFile]), a new key: it rewrites every Secret, and drops the old key when none needs it any more. One that was
// interrupted is finished. It returns the name of the key and how many Secrets there were.
//
// It must be the only server of its etcd: others would not know the new key.
func RotateKey(ctx context.Context, config *rest.Config, file string) (key string, secrets int, err error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", 0, fmt.Errorf("creating a client for Secrets: %w", err)
	}
	configuration, err := encryption.Read(file)
	if err != nil {
		return "", 0, err
	}
	// A server that goes by another configuration would never know the new key.
	if err := waitLoaded(ctx, client, file); err != nil {
		return "", 0, err
	}
	if configuration.OldKeys() == 0 {
		if err := configuration.AddKey(); err != nil {
			return "", 0, err
		}
		if err := configuration.Write(file); err != nil {
			return "", 0, err
		}
	}
	if err := waitLoaded(ctx, client, file); err != nil {
		return "", 0, err
	}
	if secrets, err = rewriteSecrets(ctx, client.CoreV1()); err != nil {
		return "", 0, fmt.Errorf("rewriting Secrets with the new key (the old one stays; try again): %w", err)
	}
	configuration.DropOldKeys()
	if err := configuration.Write(file); err != nil {
		return "", 0, err
	}
	return configuration.KeyName(), secrets, waitLoaded(ctx, client, file)
}

// waitLoaded waits until the server encrypts by what the file says now.
func waitLoaded(ctx context.Context, client kubernetes.Interface, file string) error {
	hash, err := encryptionconfig.GetEncryptionConfigHash(file)
	if err != nil {
		return fmt.Errorf("reading encryption configuration %s: %w", file, err)
	}
	err = wait.PollUntilContextTimeout(ctx, reloadPoll, reloadTimeout, true, func(ctx context.Context) (bool, error) {
		metrics, err := client.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
		if err != nil {
			return false, err
		}
		for line := range strings.Lines(string(metrics)) {
			if strings.HasPrefix(line, loadedConfiguration) && strings.Contains(line, `"`+hash+`"`) {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the API server to encrypt by %s (is it told to by another file?): %w", file, err)
	}
	return nil
}

// rewriteSecrets writes every Secret as it is, which the server does not take for nothing where it is stored with an old key.
func rewriteSecrets(ctx context.Context, client typedcorev1.SecretsGetter) (count int, err error) {
	all := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return client.Secrets(metav1.NamespaceAll).List(ctx, options)
	})
	err = all.EachListItem(ctx, metav1.ListOptions{}, func(item runtime.Object) error {
		count++
		secret := item.(*corev1.Secret)
		return rewriteSecret(ctx, client.Secrets(secret.Namespace), secret)
	})
	return count, err
}

// rewriteSecret writes a Secret as it is. One that somebody has changed or deleted meanwhile has no old key any more.
func rewriteSecret(ctx context.Context, client typedcorev1.SecretInterface, secret *corev1.Secret) error {
	err := retry.OnError(retry.DefaultBackoff, apierrors.IsServerTimeout, func() error {
		_, err := client.Update(ctx, secret, metav1.UpdateOptions{})
		return err
	})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("updating Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	return nil
}
