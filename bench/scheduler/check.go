package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// placements are all pods by the node that they are on.
type placements struct {
	nodes map[string]*corev1.Node
	pods  map[string][]*corev1.Pod
}

// constraint says what is wrong with placements, or nil.
type constraint func(p placements) error

// check looks at where the pods of a run are.
func (g *stage) check(ctx context.Context) error {
	g.say.Phase("checking the placements")
	p := placements{nodes: map[string]*corev1.Node{}, pods: map[string][]*corev1.Pod{}}
	nodes, err := g.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	for i := range nodes.Items {
		p.nodes[nodes.Items[i].Name] = &nodes.Items[i]
	}
	pods, err := g.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	for i := range pods.Items {
		if node := pods.Items[i].Spec.NodeName; node != "" {
			p.pods[node] = append(p.pods[node], &pods.Items[i])
		}
	}
	errs := []error{notOverfull(p)}
	for _, holds := range g.workload.holds {
		errs = append(errs, holds(p))
	}
	return errors.Join(errs...)
}

func notOverfull(p placements) error {
	for name, pods := range p.pods {
		node := p.nodes[name]
		if node == nil {
			return fmt.Errorf("wrong placement: %d pods are on node %s, which does not exist", len(pods), name)
		}
		cpu, memory := node.Status.Allocatable.Cpu().DeepCopy(), node.Status.Allocatable.Memory().DeepCopy()
		for _, pod := range pods {
			cpu.Sub(*pod.Spec.Containers[0].Resources.Requests.Cpu())
			memory.Sub(*pod.Spec.Containers[0].Resources.Requests.Memory())
		}
		if cpu.Sign() < 0 || memory.Sign() < 0 || int64(len(pods)) > node.Status.Allocatable.Pods().Value() {
			return fmt.Errorf("wrong placement: node %s is overfull with %d pods: CPU left %s, memory left %s", name, len(pods), &cpu, &memory)
		}
	}
	return nil
}

// onePerNode holds when no two green pods share a node.
func onePerNode(p placements) error {
	for name, pods := range p.pods {
		count := 0
		for _, pod := range pods {
			if pod.Labels[color] == "green" {
				count++
			}
		}
		if count > 1 {
			return fmt.Errorf("wrong placement: node %s has %d pods that refuse each other", name, count)
		}
	}
	return nil
}

// evenly holds when no zone has many more of the measured pods than another.
func evenly(p placements) error {
	zones := map[string]int{}
	for name, node := range p.nodes {
		zones[node.Labels[corev1.LabelTopologyZone]] += 0
		for _, pod := range p.pods[name] {
			if pod.Namespace == measured {
				zones[node.Labels[corev1.LabelTopologyZone]]++
			}
		}
	}
	for a, most := range zones {
		for b, least := range zones {
			if most-least > skew {
				return fmt.Errorf("wrong placement: zone %s has %d pods and zone %s has %d; at most %d more were allowed", a, most, b, least, skew)
			}
		}
	}
	return nil
}
