package restart

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func TestBackOffGrowsAndIsForgotten(t *testing.T) {
	at := time.Unix(0, 0)
	var b BackOff
	var delays []time.Duration
	for range 8 {
		until := b.Until(at)
		delays = append(delays, until.Sub(at))
		b = b.Next(at, until)
		at = until.Add(time.Second) // it ran for a second
	}
	if got, want := fmt.Sprint(delays), "[0s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s]"; got != want {
		t.Errorf("the waits are %s, want %s", got, want)
	}
	ended := at.Add(ResetAfter + time.Second) // it ran well for long
	if until := b.Until(ended); !until.Equal(ended) {
		t.Errorf("after a long run it waits %s", until.Sub(ended))
	}
	if next := b.Next(ended, ended); next.Delay != InitialDelay {
		t.Errorf("after a long run the next wait is %s", next.Delay)
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
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Allowed(&corev1.PodSpec{RestartPolicy: test.policy}, &test.container, test.code); got != test.want {
				t.Errorf("started again: %t, want %t", got, test.want)
			}
		})
	}
}
