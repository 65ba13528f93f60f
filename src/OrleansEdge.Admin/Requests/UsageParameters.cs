using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Requests;

/// <summary>What of a tenant's usage the query parameters ask for.</summary>
internal static class UsageParameters
{
    /// <summary>Names of the parameters.</summary>
    public static readonly string[] Names = [.. TimeRange.Parameters, "interval", "domain", "kind"];

    private const int DefaultInterval = 3600;

    /// <summary>Reads the parameters; hourly points of the last 24 hours where nothing is given.</summary>
    public static Problem? TryRead(IQueryCollection parameters, DateTimeOffset now, out UsageQuery query)
    {
        var badRange = TimeRange.TryRead(parameters, now, out var range);
        var badInterval = TryReadInterval(parameters, out var interval);
        var badKind = TryReadKind(parameters, out var kind);
        var domain = Query.Value(parameters, "domain") is { } name ? DomainName.Normalize(name) : null;
        query = new UsageQuery(range.From, range.To, interval, domain, kind);
        return badRange ?? badInterval ?? badKind;
    }

    private static Problem? TryReadInterval(IQueryCollection parameters, out int interval)
    {
        (interval, var known) = Query.Value(parameters, "interval") switch
        {
            null => (DefaultInterval, true),
            "300" => (300, true),
            "3600" => (3600, true),
            "86400" => (86400, true),
            _ => (0, false),
        };
        return known ? null : Query.Invalid("interval", "is not 300, 3600 or 86400");
    }

    private static Problem? TryReadKind(IQueryCollection parameters, out UsageKind? kind)
    {
        (kind, var known) = Query.Value(parameters, "kind") switch
        {
            null => ((UsageKind?)null, true),
            "websocket" => (UsageKind.Websocket, true),
            "http" => (UsageKind.Http, true),
            _ => (null, false),
        };
        return known ? null : Query.Invalid("kind", "is not websocket or http");
    }
}
