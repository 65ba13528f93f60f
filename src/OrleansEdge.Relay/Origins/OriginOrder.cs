using OrleansEdge.Model;

namespace OrleansEdge.Relay.Origins;

/// <summary>The order in which the origins of a domain are tried: drawn by weight, those that failed lately after all others.</summary>
internal static class OriginOrder
{
    /// <summary>Draws an order.</summary>
    public static OriginTarget[] Draw(DomainConfig domain, bool clientUsesTls, string host, OriginHealth health, Random random)
    {
        var targets = new OriginTarget[domain.Origins.Length];
        for (var i = 0; i < targets.Length; i++)
        {
            targets[i] = OriginTarget.For(domain, domain.Origins[i], clientUsesTls, host);
        }
        if (targets.Length > 1)
        {
            var healthy = MoveHealthyFirst(targets, health);
            DrawByWeight(targets.AsSpan(0, healthy), random);
            DrawByWeight(targets.AsSpan(healthy), random);
        }
        return targets;
    }

    private static int MoveHealthyFirst(OriginTarget[] targets, OriginHealth health)
    {
        var healthy = 0;
        for (var i = 0; i < targets.Length; i++)
        {
            if (!health.IsFailing(targets[i]))
            {
                (targets[healthy], targets[i]) = (targets[i], targets[healthy]);
                healthy++;
            }
        }
        return healthy;
    }

    private static void DrawByWeight(Span<OriginTarget> targets, Random random)
    {
        var left = 0;
        foreach (var target in targets)
        {
            left += target.Origin.Weight;
        }
        for (var place = 0; place < targets.Length - 1; place++)
        {
            var ticket = random.Next(left);
            var drawn = place;
            while (ticket >= targets[drawn].Origin.Weight)
            {
                ticket -= targets[drawn++].Origin.Weight;
            }
            (targets[place], targets[drawn]) = (targets[drawn], targets[place]);
            left -= targets[place].Origin.Weight;
        }
    }
}
