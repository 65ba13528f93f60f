using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;

namespace OrleansEdge.Admin.Routes;

/// <summary>The methods of one path. All others are answered with 405 and <c>Allow</c>.</summary>
internal sealed class Resource(IEndpointRouteBuilder routes, string pattern)
{
    private readonly List<string> _allowed = [];

    /// <summary>GET, and HEAD with it.</summary>
    public Resource Get(ApiOperation operation, Delegate handler) => On([HttpMethods.Get, HttpMethods.Head], operation, handler);

    /// <summary>GET, and HEAD with it, of something that the OpenAPI document leaves out.</summary>
    public Resource GetUndescribed(Delegate handler)
    {
        _allowed.AddRange(HttpMethods.Get, HttpMethods.Head);
        routes.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], handler).ExcludeFromDescription();
        return this;
    }

    public Resource Put(ApiOperation operation, Delegate handler) => On([HttpMethods.Put], operation, handler);

    public Resource Post(ApiOperation operation, Delegate handler) => On([HttpMethods.Post], operation, handler);

    public Resource Delete(ApiOperation operation, Delegate handler) => On([HttpMethods.Delete], operation, handler);

    /// <summary>Answers the methods that were not named before.</summary>
    public void RefuseOthers()
    {
        var allow = string.Join(", ", _allowed);
        routes.Map(pattern, (HttpContext context) => Refuse(context.Request.Method, allow)).ExcludeFromDescription();
    }

    private static Problem Refuse(string method, string allow)
        => new(StatusCodes.Status405MethodNotAllowed, "method_not_allowed", $"{method} is not a method of this path.") { Header = ("Allow", allow) };

    private Resource On(string[] methods, ApiOperation operation, Delegate handler)
    {
        _allowed.AddRange(methods);
        routes.MapMethods(pattern, methods, handler).WithMetadata(operation);
        return this;
    }
}
