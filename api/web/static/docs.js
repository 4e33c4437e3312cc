"use strict";
/* Swagger UI over our own OpenAPI document; its validator badge would ask another machine. */
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null, docExpansion: "list", deepLinking: true, defaultModelsExpandDepth: 0 });
