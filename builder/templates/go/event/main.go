// Adds up an order: {"items": [{"price": "9.90", "count": 2}]}.
package main

import (
	"math/big"

	"hks"
)

// Order is the event.
type Order struct {
	Items []struct {
		Price string `json:"price"`
		Count int64  `json:"count"`
	} `json:"items"`
}

// Receipt is the result of the execution.
type Receipt struct {
	Total string `json:"total"`
	Items int    `json:"items"`
}

func main() {
	hks.Handle(func(ctx hks.Context, order Order) (Receipt, error) {
		total := new(big.Rat)
		for _, item := range order.Items {
			price, ok := new(big.Rat).SetString(item.Price)
			if !ok {
				return Receipt{}, hks.Failf("InvalidPrice", "%q is no price", item.Price)
			}
			total.Add(total, price.Mul(price, big.NewRat(item.Count, 1)))
		}
		return Receipt{Total: total.FloatString(2), Items: len(order.Items)}, nil
	})
}
