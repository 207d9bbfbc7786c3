package restart

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func TestBackOffGrowsAndIsForgotten(t *testing.T) {
	for _, test := range []struct {
		name   string
		limit  Limit
		want   string
		forget time.Duration
		first  time.Duration
	}{
		{"by default", 0, "[0s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s]", 10 * time.Minute, 10 * time.Second},
		{"with half a minute at most", Limit(30 * time.Second), "[0s 10s 20s 30s 30s 30s 30s 30s]", time.Minute, 10 * time.Second},
		{"with less than the first wait at most", Limit(3 * time.Second), "[0s 3s 3s 3s 3s 3s 3s 3s]", 6 * time.Second, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := time.Unix(0, 0)
			var b BackOff
			var delays []time.Duration
			for range 8 {
				until := b.Until(at, test.limit)
				delays = append(delays, until.Sub(at))
				b = b.Next(at, until, test.limit)
				at = until.Add(time.Second) // it ran for a second
			}
			if got := fmt.Sprint(delays); got != test.want {
				t.Errorf("the waits are %s, want %s", got, test.want)
			}
			ended := b.Updated.Add(test.forget + time.Second) // it ran well for long
			if until := b.Until(ended, test.limit); !until.Equal(ended) {
				t.Errorf("after a long run it waits %s", until.Sub(ended))
			}
			if next := b.Next(ended, ended, test.limit); next.Delay != test.first {
				t.Errorf("after a long run the next wait is %s", next.Delay)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	rule := func(action corev1.ContainerRestartRuleAction, op corev1.ContainerRestartRuleOnExitCodesOperator, codes ...int32) corev1.ContainerRestartRule {
		return corev1.ContainerRestartRule{Action: action, ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: op, Values: codes}}
	}
	const in, again = corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleActionRestart
	for _, test := range []struct {
		name      string
		policy    corev1.RestartPolicy
		container corev1.Container
		code      int32
		want      bool
	}{
		{"always, also after success", corev1.RestartPolicyAlways, corev1.Container{}, 0, true},
		{"on failure, not after success", corev1.RestartPolicyOnFailure, corev1.Container{}, 0, false},
		{"on failure, after failure", corev1.RestartPolicyOnFailure, corev1.Container{}, 1, true},
		{"never", corev1.RestartPolicyNever, corev1.Container{}, 1, false},
		{"a sidecar, whatever the pod says", corev1.RestartPolicyNever, corev1.Container{RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}, 0, true},
		{"a container's own policy", corev1.RestartPolicyAlways, corev1.Container{RestartPolicy: ptr.To(corev1.ContainerRestartPolicyNever)}, 1, false},
		{"a rule for the exit code", corev1.RestartPolicyNever, corev1.Container{
			RestartPolicy: ptr.To(corev1.ContainerRestartPolicyNever), RestartPolicyRules: []corev1.ContainerRestartRule{rule(again, in, 42)},
		}, 42, true},
		{"a rule for another exit code", corev1.RestartPolicyNever, corev1.Container{
			RestartPolicy: ptr.To(corev1.ContainerRestartPolicyNever), RestartPolicyRules: []corev1.ContainerRestartRule{rule(again, in, 42)},
		}, 1, false},
		{"a rule that has all containers restarted", corev1.RestartPolicyNever, corev1.Container{
			RestartPolicy: ptr.To(corev1.ContainerRestartPolicyNever), RestartPolicyRules: []corev1.ContainerRestartRule{rule(corev1.ContainerRestartRuleActionRestartAllContainers, in, 42)},
		}, 42, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Allowed(&corev1.PodSpec{RestartPolicy: test.policy}, &test.container, test.code); got != test.want {
				t.Errorf("started again: %t, want %t", got, test.want)
			}
		})
	}
}
