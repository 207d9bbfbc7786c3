package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// object makes one of many like objects.
type object func(ctx context.Context, name string) error

func (g *stage) configMap(namespace string) object {
	return func(ctx context.Context, name string) error {
		o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string]string{"key": "value"}}
		_, err := g.client.CoreV1().ConfigMaps(namespace).Create(ctx, o, metav1.CreateOptions{})
		return err
	}
}

func (g *stage) secret(namespace string) object {
	return func(ctx context.Context, name string) error {
		o := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, StringData: map[string]string{"key": "value"}}
		_, err := g.client.CoreV1().Secrets(namespace).Create(ctx, o, metav1.CreateOptions{})
		return err
	}
}

func (g *stage) pod(namespace string) object {
	return func(ctx context.Context, name string) error {
		template := podsOf("lone")
		o := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: template.Labels}, Spec: template.Spec}
		_, err := g.client.CoreV1().Pods(namespace).Create(ctx, o, metav1.CreateOptions{})
		return err
	}
}

// createMany makes so many like objects.
func createMany(ctx context.Context, n int, create object) error {
	return side(ctx, n, func(ctx context.Context, i int) error {
		if err := create(ctx, fmt.Sprintf("object-%05d", i)); err != nil {
			return fmt.Errorf("creating one of %d objects: %w", n, err)
		}
		return nil
	})
}

func oneNamespace(ctx context.Context, g *stage) error {
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	g.say.Phase("filling the namespace")
	configMaps, secrets, pods := g.settings.scaled(10_000), g.settings.scaled(5_000), g.settings.scaled(5_000)
	for _, some := range []struct {
		n      int
		create object
	}{{configMaps, g.configMap(work)}, {secrets, g.secret(work)}, {pods, g.pod(work)}} {
		if err := createMany(ctx, some.n, some.create); err != nil {
			return err
		}
	}
	if err := g.until(ctx, "the pods to run", func() (string, bool) { return g.podsAre(work, pods, running("1")) }); err != nil {
		return err
	}
	if err := g.rest(ctx); err != nil {
		return err
	}
	return g.step(ctx, step{
		name: "delete", objects: configMaps + secrets + pods,
		do: func(ctx context.Context) error {
			return g.client.CoreV1().Namespaces().Delete(ctx, work, metav1.DeleteOptions{})
		},
		done: func() (string, bool) {
			_, err := g.informers.Core().V1().Namespaces().Lister().Get(work)
			seen, _ := g.podsAre(work, 0, nil)
			return seen, apierrors.IsNotFound(err)
		},
		holds: func(ctx context.Context) error {
			left, err := g.client.CoreV1().ConfigMaps(work).List(ctx, metav1.ListOptions{Limit: 1})
			if err == nil && len(left.Items) > 0 {
				err = fmt.Errorf("ConfigMap %s is left", left.Items[0].Name)
			}
			if err != nil {
				return err
			}
			return expect(g.podsAre(work, 0, nil))
		},
	})
}

// underQuota creates what a quota counts, and deletes it at once.
func underQuota(ctx context.Context, g *stage) error {
	n := g.settings.scaled(10_000)
	if err := g.beginWork(ctx); err != nil {
		return err
	}
	const counted = corev1.ResourceName("count/configmaps")
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "quota", Namespace: work}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{counted: *quantity(fmt.Sprint(2 * n)), corev1.ResourcePods: *quantity("100")},
	}}
	if _, err := g.client.CoreV1().ResourceQuotas(work).Create(ctx, quota, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating a quota: %w", err)
	}
	uses := func(n int) func() (string, bool) {
		return func() (string, bool) {
			now, err := g.informers.Core().V1().ResourceQuotas().Lister().ResourceQuotas(work).Get("quota")
			if err != nil {
				return err.Error(), false
			}
			used, known := now.Status.Used[counted]
			return fmt.Sprintf("%s are counted", used.String()), known && used.Value() == int64(n)
		}
	}
	const already = 1 // the ConfigMap that every namespace has
	if err := g.until(ctx, "the quota to be counted", uses(already)); err != nil {
		return err
	}
	if err := g.rest(ctx); err != nil {
		return err
	}
	holds := func(n int) func(context.Context) error {
		return func(context.Context) error { return expect(uses(n)()) }
	}
	all := g.client.CoreV1().ConfigMaps(work)
	return g.each(ctx,
		step{
			name: "create", objects: n, done: uses(n + already), holds: holds(n + already),
			do: func(ctx context.Context) error { return createMany(ctx, n, g.configMap(work)) },
		},
		step{
			name: "delete", objects: n, done: uses(already), holds: holds(already),
			do: func(ctx context.Context) error {
				return side(ctx, n, func(ctx context.Context, i int) error {
					return all.Delete(ctx, fmt.Sprintf("object-%05d", i), metav1.DeleteOptions{})
				})
			},
		})
}

// each makes steps one after another.
func (g *stage) each(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if err := g.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
