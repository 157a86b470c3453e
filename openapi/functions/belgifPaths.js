const camel=/^[a-z][a-zA-Z0-9]*$/;
export default (paths)=>{const out=[];const keys=Object.keys(paths||{});
 for(const p of keys){const at=m=>out.push({message:`${m}: ${p}`,path:['paths',p]});
  if(p!=='/'&&p.endsWith('/')) at('[uri-notat] trailing slash');
  if(/\.[a-z0-9]+$/i.test(p)&&!/^\/openapi\.(json|yaml)$/.test(p)) at('[uri-extens] file extension');
  for(const s of p.split('/').filter(Boolean)){const m=s.match(/^\{(.+)\}$/);
   if(m){if(!camel.test(m[1])) at(`[path-param] {${m[1]}} is not lowerCamelCase`); if(m[1]==='id'||m[1]==='code') at(`[id-name] {${m[1]}} lacks the resource type`);}
   else if(!camel.test(s.replace(/\.(json|yaml)$/,''))) at(`[uri-notat] segment '${s}' is not lowerCamelCase`);}
  const isCol=keys.some(k=>k.startsWith(p+'/{')); const last=p.split('/').pop();
  if(isCol&&paths[p].get&&!last.startsWith('{')&&!/(s|data|Data|history)$/.test(last)) at('[col-name] collection name is not plural');}
 return out;};
