using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Hosting.Telemetry;

namespace OrleansEdge.Hosting.Health;

/// <summary><c>/healthz/live</c>, <c>/healthz/ready</c> and <c>/metrics</c>, without a key, never on an edge endpoint.</summary>
public static class HealthEndpoints
{
    /// <summary>Maps the three paths.</summary>
    /// <param name="endpoints">Of the endpoint that has them.</param>
    /// <param name="countBroken">How many documents are broken, where the process keeps documents; readiness shows it.</param>
    public static void MapHealth(this IEndpointRouteBuilder endpoints, Func<CancellationToken, Task<int>>? countBroken = null)
    {
        endpoints.MapGet("/healthz/live", () => Results.Json(new LiveAnswer("live"))).ExcludeFromDescription();
        endpoints.MapGet("/healthz/ready", (Readiness readiness, CancellationToken cancellationToken)
            => ReadyAsync(readiness, countBroken, cancellationToken)).ExcludeFromDescription();
        endpoints.MapGet("/metrics", MetricsAsync).ExcludeFromDescription();
    }

    private static async Task<IResult> ReadyAsync(
        Readiness readiness, Func<CancellationToken, Task<int>>? countBroken, CancellationToken cancellationToken)
    {
        var state = readiness.State;
        int? broken = countBroken is null ? null : await countBroken(cancellationToken);
        return Results.Json(new ReadyAnswer(state, broken), statusCode: state == Readiness.Ready ? 200 : 503);
    }

    private static async Task MetricsAsync(HttpContext context, PrometheusExporter prometheus)
    {
        var text = await prometheus.CollectAsync(context.RequestAborted);
        context.Response.ContentType = PrometheusExporter.ContentType;
        context.Response.ContentLength = text.Length;
        await context.Response.Body.WriteAsync(text, context.RequestAborted);
    }

    private sealed record LiveAnswer(string State);

    private sealed record ReadyAnswer(
        string State, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? BrokenDocuments);
}
