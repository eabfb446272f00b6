"""Documents as clients send them: names, declarations and selections are those of the vendor's CLI."""

APP_CONFIG = """
query AppConfig {
  appConfig {
    version baseDomain byoUpdateRegistryHost smtpConfigured manualReleaseNames configureDagDeployment
    nfsMountDagDeployment manualNamespaceNames hardDeleteDeployment triggererEnabled featureFlags
  }
}"""

APP_CONFIG_1_0 = """
query AppConfig($clusterId: Uuid) {
  appConfig(clusterId: $clusterId) {
    version baseDomain byoUpdateRegistryHost smtpConfigured manualReleaseNames configureDagDeployment
    nfsMountDagDeployment manualNamespaceNames hardDeleteDeployment triggererEnabled featureFlags
  }
}"""

APP_CONFIG_2_0 = """
query AppConfig($clusterId: Uuid, $workspaceUuid: Uuid, $deploymentUuid: Uuid) {
  appConfig(clusterId: $clusterId, workspaceUuid: $workspaceUuid, deploymentUuid: $deploymentUuid) {
    version baseDomain byoUpdateRegistryHost smtpConfigured featureFlags
  }
}"""

PLATFORM_VERSION = "query AppConfig { appConfig { version } }"

WORKSPACES = """
query GetWorkspaces {
  workspaces {
    id label description createdAt updatedAt
    roleBindings { role user { id username } serviceAccount { id label } }
  }
}"""

WORKSPACE = """
query GetWorkspace($workspaceUuid: Uuid!) {
  workspace(workspaceUuid: $workspaceUuid) {
    id label description createdAt updatedAt
    roleBindings { role user { id username } serviceAccount { id label } }
  }
}"""

PAGINATED_WORKSPACES = """
query paginatedWorkspaces($pageSize: Int $pageNumber: Int){
  paginatedWorkspaces(take: $pageSize pageNumber: $pageNumber){ id label description createdAt updatedAt }
}"""

SYS_WORKSPACES = "query { sysWorkspaces { id label } }"

DEPLOYMENTS = """
query GetDeployment($workspaceId: Uuid! $releaseName: String) {
  workspaceDeployments(workspaceUuid: $workspaceId releaseName: $releaseName) {
    id type label releaseName workspace { id } deployInfo { nextCli current } version airflowVersion runtimeVersion
    createdAt updatedAt
  }
}"""

PAGINATED = """
query paginatedDeployments($take: Int, $name: String, $cursor: Uuid, $pageNumber: Int) {
  paginatedDeployments(take: $take name: $name cursor: $cursor pageNumber: $pageNumber) { id releaseName }
}"""

DEPLOYMENT = """
query GetDeployment($id: String!) {
  deployment(where: {id: $id}) {
    id airflowVersion desiredAirflowVersion runtimeVersion desiredRuntimeVersion runtimeAirflowVersion releaseName
    urls { type url } dagDeployment { type }
  }
}"""

DEPLOYMENTS_1_0 = """
query GetDeployment($workspaceId: Uuid! $releaseName: String) {
  workspaceDeployments(workspaceUuid: $workspaceId releaseName: $releaseName) {
    id type label releaseName workspace { id } deployInfo { nextCli current } version runtimeVersion clusterId
    createdAt updatedAt
  }
}"""

DEPLOYMENT_1_0 = """
query GetDeployment($id: String!) {
  deployment(where: {id: $id}) { id runtimeVersion runtimeAirflowVersion releaseName urls { type url } clusterId }
}"""

WORKSPACE_DEPLOYMENT = """
query ($workspaceId: Uuid!, $releaseName: String!) {
  workspaceDeployment(workspaceUuid: $workspaceId, releaseName: $releaseName) { id releaseName desiredRuntimeVersion }
}"""

DEPLOYMENT_CONFIG = """
query DeploymentInfo {
  deploymentConfig { airflowImages { version tag } airflowVersions defaultAirflowImageTag }
}"""

DEPLOYMENT_CONFIG_1_0_1 = "query DeploymentInfo { deploymentConfig { __typename } }"

RUNTIME_RELEASES = """
query runtimeReleases($airflowVersion: String) {
  runtimeReleases(airflowVersion: $airflowVersion) { version airflowVersion airflowDatabaseMigrations }
}"""

RUNTIME_RELEASES_1_0 = """
query runtimeReleases($airflowVersion: String, $clusterId: Uuid) {
  runtimeReleases(airflowVersion: $airflowVersion, clusterId: $clusterId) {
    version airflowVersion airflowDatabaseMigrations
  }
}"""

UPDATE_AIRFLOW = """
mutation updateDeploymentAirflow($deploymentId: Uuid!, $desiredAirflowVersion: String!) {
  updateDeploymentAirflow(deploymentUuid: $deploymentId, desiredAirflowVersion: $desiredAirflowVersion) {
    id label version releaseName airflowVersion desiredAirflowVersion
  }
}"""

UPDATE_RUNTIME = """
mutation updateDeploymentRuntime($deploymentUuid: Uuid!, $desiredRuntimeVersion: String!) {
  updateDeploymentRuntime(deploymentUuid: $deploymentUuid, desiredRuntimeVersion: $desiredRuntimeVersion) {
    id label version releaseName runtimeVersion desiredRuntimeVersion runtimeAirflowVersion
  }
}"""

CANCEL = """
mutation cancelRuntimeUpdate($deploymentUuid: Uuid!) {
  cancelRuntimeUpdate(deploymentUuid: $deploymentUuid) {
    id label version releaseName runtimeVersion desiredRuntimeVersion runtimeAirflowVersion
  }
}"""

UPDATE_IMAGE = """
mutation updateDeploymentImage($releaseName:String!, $image:String!, $airflowVersion:String, $runtimeVersion:String,){
  updateDeploymentImage(
    releaseName:$releaseName, image:$image, airflowVersion:$airflowVersion, runtimeVersion:$runtimeVersion
  ){ releaseName airflowVersion runtimeVersion }
}"""

UPDATE_IMAGE_1_0_1 = """
mutation updateDeploymentImage($releaseName:String!, $image:String!, $runtimeVersion:String!){
  updateDeploymentImage(releaseName:$releaseName, image:$image, runtimeVersion:$runtimeVersion){
    releaseName runtimeVersion
  }
}"""

UPSERT = """
mutation upsertDeployment($releaseName:String!, $image:String!, $runtimeVersion:String!){
  upsertDeployment(releaseName:$releaseName, image:$image, runtimeVersion:$runtimeVersion){ releaseName runtimeVersion }
}"""
