using System.Globalization;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The words of the audit that are not said by the caller.</summary>
internal static class AuditWords
{
    public const string Create = "create";
    public const string Replace = "replace";
    public const string Delete = "delete";
    public const string Rollback = "rollback";
    public const string End = "end";
    public const string Drain = "drain";
    public const string Alert = "alert";
    public const string Domain = "domain";
    public const string Tenant = "tenant";
    public const string Session = "session";
    public const string Gateway = "gateway";
    public const string Plan = "plan";
    public const string Quota = "quota";

    /// <summary>Who a change comes from that was made to a file.</summary>
    public const string ByFile = "file";

    /// <summary>Who does what happens by itself.</summary>
    public const string ByEdge = "edge";

    public static string Id(long id) => id.ToString(CultureInfo.InvariantCulture);
}
