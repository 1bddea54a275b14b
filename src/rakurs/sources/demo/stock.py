"""Stock: what lies in the warehouse on the last day, so that some is out, some lasts, and some has not moved for long?"""

from rakurs.sources.demo.steps import Step, choice, chosen, listed

RECENT_DAYS = 90
"""Sales of so many last days say how much a day needs."""
COVERS = (("out", 0, 6), ("short", 3, 14), ("fair", 30, 50), ("ample", 90, 22), ("idle", 400, 8))
"""How a product is supplied: its name, days of sales that lie there, weight."""
PLACE = "Центральный склад"

FACTS = f"""
    select l.product_no, sum(l.quantity)::bigint as quantity
    from sold_lines as l join order_heads as h using (order_no)
    where not h.is_cancelled and h.day_no >= day_count() - {RECENT_DAYS}
    group by l.product_no
"""
"""What a chunk sold lately; added up over the chunks in `recent_sales`."""

STEPS = (
    listed("covers", ("place", "cover", "days", "weight"), ((place, *cover) for place, cover in enumerate(COVERS))),
    choice("cover_choice", source="covers", value="place", weight="weight", order="place"),
    Step(
        "stock",
        f"""
        with sold as (select product_no, sum(quantity) as quantity from recent_sales group by product_no),
        drawn as (
            select p.product_no, coalesce(s.quantity, 0) as sold, u(p.product_no, 'cover') as cover_draw
            from products as p left join sold as s using (product_no)
        )
        select d.product_no, c.cover, d.sold,
            ceil(d.sold * c.days / {RECENT_DAYS} * (0.8 + 0.4 * u(d.product_no, 'stock')))::bigint as quantity
        from drawn as d
        {chosen("h", "cover_choice", draw="d.cover_draw")}
        join covers as c on c.place = h.value
        """,
    ),
)
"""Made at the end, when the sales of all chunks are known."""
