using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Hosting.Startup;

/// <summary>Pipelines of one process, of which each endpoint has its own.</summary>
public static class PipelineBranch
{
    /// <summary>A pipeline with routes of its own: those of the application are shared by all branches.</summary>
    public static RequestDelegate BuildBranch(this WebApplication app, Action<IApplicationBuilder> build)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(build);
        var branch = new ApplicationBuilder(app.Services);
        build(branch);
        return branch.Build();
    }
}
