using OrleansEdge.Model;
using OrleansEdge.Standalone.Telemetry;

namespace OrleansEdge.Standalone.Health;

/// <summary><c>/healthz/live</c>, <c>/healthz/ready</c> and <c>/metrics</c>, without a key, never on an edge endpoint.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/healthz/live", () => Results.Json(new LiveAnswer("live"))).ExcludeFromDescription();
        endpoints.MapGet("/healthz/ready", ReadyAsync).ExcludeFromDescription();
        endpoints.MapGet("/metrics", MetricsAsync).ExcludeFromDescription();
    }

    private static async Task<IResult> ReadyAsync(Readiness readiness, IControlPlane control, CancellationToken cancellationToken)
    {
        var state = readiness.State;
        var broken = await CountBrokenAsync(control, cancellationToken);
        return Results.Json(new ReadyAnswer(state, broken), statusCode: state == Readiness.Ready ? 200 : 503);
    }

    private static async Task<int> CountBrokenAsync(IControlPlane control, CancellationToken cancellationToken)
    {
        var count = 0;
        var page = new PageRequest(null, PageRequest.MaxLimit);
        while (true)
        {
            var broken = await control.ListBrokenAsync(page, cancellationToken);
            if (broken.Failure is not null)
            {
                return count;
            }

            count += broken.Value.Items.Count;
            if (broken.Value.Next is null)
            {
                return count;
            }

            page = page with { After = broken.Value.Next };
        }
    }

    private static async Task MetricsAsync(HttpContext context, PrometheusExporter prometheus)
    {
        var text = await prometheus.CollectAsync(context.RequestAborted);
        context.Response.ContentType = PrometheusExporter.ContentType;
        context.Response.ContentLength = text.Length;
        await context.Response.Body.WriteAsync(text, context.RequestAborted);
    }

    private sealed record LiveAnswer(string State);

    private sealed record ReadyAnswer(string State, int BrokenDocuments);
}

/// <summary>Whether new work should come here. Thread safe.</summary>
/// <param name="lifetime">Tells a starting process from one that serves.</param>
/// <param name="isDraining">Asked each time.</param>
internal sealed class Readiness(IHostApplicationLifetime lifetime, Func<bool> isDraining)
{
    public const string Starting = "starting";
    public const string Ready = "ready";
    public const string Draining = "draining";

    public string State
    {
        get
        {
            if (isDraining() || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return Draining;
            }

            return lifetime.ApplicationStarted.IsCancellationRequested ? Ready : Starting;
        }
    }
}
