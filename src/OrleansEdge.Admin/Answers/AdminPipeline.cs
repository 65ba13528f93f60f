using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Admin.Access;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Requests;

namespace OrleansEdge.Admin.Answers;

/// <summary>What every request passes, whatever its route: headers of the answer, access, query parameters, body type, and the
/// answer where a handler fails.</summary>
internal sealed partial class AdminPipeline(AdminAccess access, ILogger<AdminPipeline> logger)
{
    /// <summary>Puts the pipeline before an endpoint's handler.</summary>
    public static void Wrap(EndpointBuilder endpoint)
    {
        var handler = endpoint.RequestDelegate!;
        var operation = endpoint.Metadata.OfType<ApiOperation>().LastOrDefault();
        endpoint.RequestDelegate = context
            => context.RequestServices.GetRequiredService<AdminPipeline>().InvokeAsync(context, operation, handler);
    }

    private async Task InvokeAsync(HttpContext context, ApiOperation? operation, RequestDelegate handler)
    {
        SetHeaders(context.Response.Headers);
        try
        {
            if (Refuse(context, operation) is { } problem)
            {
                await problem.ExecuteAsync(context);
            }
            else
            {
                await handler(context);
            }
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            CallerLeft(context.Request.Method, context.Request.Path);
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            await AnswerAsync(context, new Problem(exception.StatusCode, "request_invalid", "The request cannot be read."));
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            RequestFailed(exception, context.Request.Method, context.Request.Path);
            await AnswerAsync(context, new Problem(StatusCodes.Status500InternalServerError, "internal_error", "The request failed; the log says why."));
        }
    }

    private Problem? Refuse(HttpContext context, ApiOperation? operation)
    {
        if (access.Refuse(context) is { } denied)
        {
            CallerDenied(denied.Status, denied.Detail);
            return denied;
        }

        return operation is null ? null : JsonBody.RefuseType(context, operation.Body is not null) ?? Query.RefuseUnknown(context.Request.Query, operation.Query);
    }

    private static Task AnswerAsync(HttpContext context, Problem problem)
    {
        context.Response.Clear();
        SetHeaders(context.Response.Headers);
        return problem.ExecuteAsync(context);
    }

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
    }

    [LoggerMessage(4000, LogLevel.Error, "The admin request {Method} {Path} failed.")]
    private partial void RequestFailed(Exception exception, string method, PathString path);

    [LoggerMessage(4001, LogLevel.Debug, "An admin request was refused with {Status}: {Detail}")]
    private partial void CallerDenied(int status, string detail);

    [LoggerMessage(4002, LogLevel.Debug, "The caller of {Method} {Path} left before the answer.")]
    private partial void CallerLeft(string method, PathString path);
}
